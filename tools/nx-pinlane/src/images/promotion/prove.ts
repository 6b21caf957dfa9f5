import {
  ARCHITECTURES,
  asPinlaneError,
  isPinlaneError,
  platformOf,
  slugOf,
  shortDigest,
  type Lane,
  type PinName,
  type Platform,
  type PromotionEntry,
  type PromotionFinding,
} from '@pinlane/contracts';
import {
  acceptedInStaging,
  mayBuild,
  namedPins,
  parseYaml,
  pinsOf,
  pinValues,
  placeOf,
  promotionOutcome,
  requirePinned,
  samePins,
  storePins,
  type PromotionDoubt,
  type YamlPath,
} from '@pinlane/pipeline';
import type { VerbContext } from '../../command/context.ts';
import type { AuditMemory } from '../audit.ts';
import { readEvidence } from '../evidence.ts';
import type { ImageLocations } from '../locations.ts';
import { askPins } from '../pin-answer.ts';
import { readRecord } from '../../workspace/build-records.ts';
import { readSpecFile, type SpecFile } from '../../workspace/spec-file.ts';
import type { History } from './history.ts';
import { sourceOf } from './source.ts';

/** What pins are held against. */
export interface Proof {
  readonly lane: Lane;
  readonly workspace: string | null;
  readonly history: History;
  /** Those whose evidence is asked for; null for every one that is pinned. */
  readonly platforms: readonly Platform[] | null;
  readonly locations: ImageLocations;
  readonly memory: AuditMemory;
  readonly context: VerbContext;
}

/** What is found out of one file, gathered. */
type Facts = Pick<PromotionEntry, 'pinnedBy' | 'acceptedBy' | 'fingerprint'> & { readonly doubts: PromotionDoubt[]; readonly remarks: string[] };

const newFacts = (pinned: string | null): { -readonly [Key in keyof Facts]: Facts[Key] } => ({
  pinnedBy: null,
  acceptedBy: {},
  fingerprint: { pinned: pinned as PromotionEntry['fingerprint']['pinned'], source: null },
  doubts: [],
  remarks: [],
});
type Gathered = ReturnType<typeof newFacts>;

/** Whatever keeps something from being found out is a doubt. @throws only what says that the command was stopped */
const attempt = async (into: Gathered, pin: PinName | null, { signal }: VerbContext, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (thrown) {
    if (signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    into.doubts.push(...asPinlaneError(thrown).problems.map(({ code, message }) => ({ pin, code, message })));
  }
};

/** The pins are those of the commit, and a pin commit of staging wrote them. */
const proveHistory = async (specFile: SpecFile, { history }: Proof, into: Gathered): Promise<void> => {
  const { file, text } = specFile;
  const committed = await history.committedPins(file);
  if (committed === null || !samePins(committed, pinValues(text, file, 'registry.yaml')))
    into.doubts.push({ pin: null, code: 'ERR_NOT_PROMOTED', message: `the working tree has other pins than commit ${history.commit.slice(0, 12)}` });
  const found = await history.pinnedBy(specFile);
  if ('doubt' in found) into.doubts.push(found.doubt);
  else {
    into.pinnedBy = found.pinnedBy;
    if (found.pinnedBy.by === 'content')
      into.remarks.push('this history lacks the pin commit of staging itself, and has the very pins that it wrote: a squash, a rebase or a cherry-pick');
  }
};

/** registry.yaml, the images and the working tree name one source, and the images are there whole. */
const proveSource = async (specFile: SpecFile, { lane, locations, memory, context }: Proof, into: Gathered): Promise<void> => {
  const source = await sourceOf(specFile, { lane }, locations, context);
  into.fingerprint = { ...into.fingerprint, source };
  const { outcome, reasons, remarks } = await context.waiting(() => askPins(specFile, source, { lane, platforms: [] }, locations, memory));
  into.remarks.push(...remarks);
  if (outcome === 'stale') into.doubts.push(...reasons.map((message): PromotionDoubt => ({ pin: null, code: 'ERR_PIN_STALE', message })));
};

/** Staging of this workspace accepted the digest of each platform. */
const proveEvidence = async ({ spec, file }: SpecFile, proof: Proof, into: Gathered): Promise<void> => {
  const { lane, locations, platforms, history, workspace, context } = proof;
  const local = storePins(requirePinned(spec, { file, platforms: [] }), lane);
  const pins = pinsOf(spec);
  for (const name of ARCHITECTURES) {
    const [image, platform] = [pins[name], platformOf(name)];
    if (image === undefined || local.includes(name)) continue;
    if (platforms !== null && !platforms.includes(platform)) {
      into.remarks.push(`evidence for ${platform} was not asked for`);
      continue;
    }
    await attempt(into, name, context, async () => {
      const found = await context.waiting(() => readEvidence({ ref: spec.ref, digest: image.digest, platform }, image, locations));
      const revisions = [...new Set(found.found.flatMap(({ origin }) => origin?.revision ?? []))];
      const places = new Map(await Promise.all(revisions.map(async (each) => [each, await history.whereIs(each)] as const)));
      const judged = acceptedInStaging(found, { pin: name, digest: image.digest, platform }, { workspace, whereIs: (each) => places.get(each) ?? 'out' });
      if ('doubt' in judged) into.doubts.push(judged.doubt);
      else into.acceptedBy = { ...into.acceptedBy, [name]: judged.accepted };
    });
  }
};

/** Nothing was built here, in a lane that may not: a record tells of a build, whoever made it. */
const proveNothingBuilt = async ({ spec }: SpecFile, slug: string, { lane, locations, context }: Proof, into: Gathered): Promise<void> => {
  const record = mayBuild(lane) ? null : await readRecord(locations.paths, slug, context.note);
  if (record === null || spec.image?.index?.endsWith(`@${record.index}`)) return;
  const message = `${shortDigest(record.index)} was built in this folder, and is not what is pinned: lane ${lane} builds nothing; check out anew`;
  into.doubts.push({ pin: 'index', code: 'ERR_NOT_PROMOTED', message });
};

const pathOf = ({ pin, code }: PromotionDoubt): YamlPath => {
  if (pin === 'index') return ['image', 'index'];
  if (pin !== null) return ['image', 'platforms', pin];
  return code === 'ERR_PIN_STALE' ? ['image', 'source', 'fingerprint'] : ['image', 'platforms', 'amd64'];
};

/** Tells of one registry.yaml; one that can't be read may hide pins, so nobody can tell. */
export const proveFile = async (file: string, proof: Proof): Promise<PromotionEntry> => {
  const { context } = proof;
  const unread = newFacts(null);
  let specFile: SpecFile | undefined;
  await attempt(unread, null, context, async () => void (specFile = await readSpecFile(context.root, file)));
  if (specFile === undefined) {
    const findings = unread.doubts.map((doubt) => ({ ...doubt, line: 1, column: 1 }));
    return { file, ref: null, outcome: 'unknown', pins: {}, ...factsOf(unread), findings };
  }
  const { spec, text } = specFile;
  const pins = namedPins(spec);
  const facts = newFacts(spec.image?.source?.fingerprint ?? null);
  if (Object.keys(pins).length > 0) {
    const known = specFile;
    const slug = slugOf(spec.ref);
    await attempt(facts, null, context, () => proveHistory(known, proof, facts));
    await attempt(facts, null, context, () => proveSource(known, proof, facts));
    // A registry that did not answer is not waited for again.
    if (!facts.doubts.some(({ code }) => code === 'ERR_REGISTRY_UNAVAILABLE')) await proveEvidence(known, proof, facts);
    await attempt(facts, 'index', context, () => proveNothingBuilt(known, slug, proof, facts));
  }
  const source = parseYaml(text, file);
  const findings = facts.doubts.map((doubt): PromotionFinding => ({ ...doubt, ...placeOf(source, pathOf(doubt)) }));
  return { file, ref: spec.ref, outcome: promotionOutcome(findings, Object.keys(pins).length), pins, ...factsOf(facts), findings };
};

const factsOf = ({ pinnedBy, acceptedBy, fingerprint, remarks }: Facts): Pick<PromotionEntry, 'pinnedBy' | 'acceptedBy' | 'fingerprint' | 'remarks'> => ({
  pinnedBy,
  acceptedBy,
  fingerprint,
  remarks,
});
