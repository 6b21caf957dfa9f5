import { PinlaneError, type Digest, type PinnedReference, type Platform, type Problem } from '@pinlane/contracts';
import { evidenceFor } from '@pinlane/pipeline';
import { verifyImage } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { readEvidence } from '../images/evidence.ts';
import { openLocation } from '../images/locations.ts';
import { attempt, type DeployTarget, type TargetParts } from './target.ts';

interface Pinned {
  readonly image: PinnedReference;
  readonly platform: Platform;
}

/** Proves that the pin is a manifest for the platform, whole, with the bytes that it names; nothing else of the spec's pins has a say. */
const verifyPin = async ({ image, platform }: Pinned, { locations, specFile }: TargetParts): Promise<readonly Problem[]> => {
  const location = openLocation(image, locations);
  const view = await verifyImage(location, image.digest, location === locations.store ? { blobs: 'hashed', known: new Set() } : {});
  const problem = (message: string): Problem => ({ code: 'ERR_PIN_UNVERIFIED', message, file: specFile.file, fix: 'Pin it anew: nx run <processor>:pin.' });
  if (view.kind === 'index') return [problem(`${image.digest} is pinned for ${platform} and is an index: a platform's own manifest is deployed`)];
  const found = view.platforms.map((each) => each.platform);
  return found.includes(platform) ? [] : [problem(`${image.digest} is pinned for ${platform} and is an image for ${found.join(' and ') || 'no platform'}`)];
};

/** The report that allows the deployment; null if there is none, and then that is a problem. */
const findEvidence = async ({ image, platform }: Pinned, { specFile, lane, locations }: TargetParts, problems: Problem[]): Promise<Digest | null> => {
  const found = await attempt(problems, () => readEvidence({ ref: specFile.spec.ref, digest: image.digest, platform }, image, locations));
  const judged = found && evidenceFor(found, { lane, digest: image.digest });
  if (judged && 'problem' in judged) problems.push(judged.problem);
  return judged && 'artifact' in judged ? judged.artifact : null;
};

/** What the checks before a deployment found, if nothing is in its way. */
export interface Cleared {
  /** The artefact with the report that allows it; null if none was asked for. */
  readonly evidence: Digest | null;
}

/**
 * Everything that must be so before anything is changed, all problems at once: those that are known, the image, its evidence, and what the platform says. One
 * that is found out keeps none of the others from being looked for.
 * @param asksEvidence whether a passing acceptance report must be attached
 * @throws with every problem
 */
export const preflight = async (parts: TargetParts, asksEvidence: boolean, { note }: VerbContext): Promise<Cleared> => {
  const { draft, pinned, hosting, io } = parts;
  const ofImage: Problem[] = [];
  const ofEvidence: Problem[] = [];
  const ofPlatform: Problem[] = [];
  io.progress(`looking at the pinned image${hosting ? `, and asking ${hosting.name}` : ''}`);
  const [unverified, evidence, inTheWay] = await Promise.all([
    pinned && attempt(ofImage, () => verifyPin(pinned, parts)),
    pinned && asksEvidence ? findEvidence(pinned, parts, ofEvidence) : null,
    hosting && draft && attempt(ofPlatform, () => hosting.preflight(draft, io)),
  ]);
  for (const problem of inTheWay ?? []) {
    // A rehearsal with no secrets is one: mode=real answers ERR_MISSING_SECRET then.
    if (problem.code === 'ERR_SECRET_MISSING' && isRehearsal(parts)) note(`${problem.message}: mode=real answers ERR_MISSING_SECRET`);
    else ofPlatform.push(problem);
  }
  const problems = [...parts.problems, ...ofImage, ...(unverified ?? []), ...ofEvidence, ...ofPlatform];
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  return { evidence };
};

/** Whether a deployment is one of a developer to their own machine. */
export const isRehearsal = ({ lane, hosting }: Pick<DeployTarget, 'lane'> & { readonly hosting: DeployTarget['hosting'] | null }): boolean =>
  lane === 'local' && hosting?.name === 'local';
