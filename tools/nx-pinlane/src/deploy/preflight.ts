import { PinlaneError, type Digest, type Problem } from '@pinlane/contracts';
import { evidenceFor } from '@pinlane/pipeline';
import { verifyImage } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { readEvidence } from '../images/evidence.ts';
import { openLocation } from '../images/locations.ts';
import { attempt, type DeployTarget } from './target.ts';

/** Proves that the pin is a manifest for the platform, whole, with the bytes that it names; nothing else of the spec's pins has a say. */
const verifyPin = async ({ plan, locations, specFile }: DeployTarget): Promise<readonly Problem[]> => {
  const { image, platform } = plan;
  const location = openLocation(image, locations);
  const view = await verifyImage(location, image.digest, location === locations.store ? { blobs: 'hashed', known: new Set() } : {});
  const problem = (message: string): Problem => ({ code: 'ERR_PIN_UNVERIFIED', message, file: specFile.file, fix: 'Pin it anew: nx run <processor>:pin.' });
  if (view.kind === 'index') return [problem(`${image.digest} is pinned for ${platform} and is an index: a platform's own manifest is deployed`)];
  const found = view.platforms.map((each) => each.platform);
  return found.includes(platform) ? [] : [problem(`${image.digest} is pinned for ${platform} and is an image for ${found.join(' and ') || 'no platform'}`)];
};

/** What the checks before a deployment found, if nothing is in its way. */
export interface Cleared {
  /** The artefact with the report that allows it; null if none was asked for. */
  readonly evidence: Digest | null;
}

/**
 * Everything that must be so before anything is changed, all problems at once: the image, its evidence, and what the platform says.
 * @param asksEvidence whether a passing acceptance report must be attached
 * @throws with every problem
 */
export const preflight = async (target: DeployTarget, asksEvidence: boolean, { note }: VerbContext): Promise<Cleared> => {
  const { plan, lane, hosting, locations, io } = target;
  const problems: Problem[] = [];
  io.progress('looking at the pinned image');
  problems.push(...((await attempt(problems, () => verifyPin(target))) ?? []));
  let evidence: Digest | null = null;
  if (asksEvidence) {
    const { ref, image, platform } = plan;
    const found = await attempt(problems, () => readEvidence({ ref, digest: image.digest, platform }, image, locations));
    const judged = found && evidenceFor(found, { lane, digest: image.digest });
    if (judged && 'problem' in judged) problems.push(judged.problem);
    if (judged && 'artifact' in judged) evidence = judged.artifact;
  }
  io.progress(`asking ${hosting.name}`);
  for (const problem of (await attempt(problems, () => hosting.preflight(plan, io))) ?? []) {
    // A rehearsal with no secrets is one: mode=real answers ERR_MISSING_SECRET then.
    if (problem.code === 'ERR_SECRET_MISSING' && isRehearsal(target)) note(`${problem.message}: mode=real answers ERR_MISSING_SECRET`);
    else problems.push(problem);
  }
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  return { evidence };
};

/** Whether a deployment is one of a developer to their own machine. */
export const isRehearsal = ({ lane, hosting }: Pick<DeployTarget, 'lane' | 'hosting'>): boolean => lane === 'local' && hosting.name === 'local';
