import { join } from 'node:path';
import { createEmbeddedEngine, withRunFolder } from '@pinlane/adapters';
import {
  architectureOf,
  byArchitecture,
  EXIT,
  fail,
  formatProblem,
  formatRepository,
  isPinlaneError,
  PLATFORMS,
  shortDigest,
  type BuildPlan,
  type BuiltImage,
  type Digest,
  type PinnedReference,
  type PinReport,
  type ProcessorSpec,
} from '@pinlane/contracts';
import { chooseEngine, engineMissing, gatherDifferences, indexPinOf, pinReport, pinsOf, planImage, renderPinReport, type Differences } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { locateBases } from '../../images/bases.ts';
import { unsupportedBy } from '../../images/build-image.ts';
import { blameBaseImage, readBuildInputs, type BuildInputs } from '../../images/build-inputs.ts';
import type { BuildRequested } from '../../images/build-request.ts';
import { imageFacts } from '../../images/ensure-built.ts';
import { openLocation, openLocations, type ImageLocations } from '../../images/locations.ts';
import { askPins, type PinAnswer } from '../../images/pin-answer.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import type { BuildSettings } from '../../workspace/settings.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';
import { compareImages, compareIndexes } from './compare-images.ts';

/** How the source is built anew. */
export interface ReproduceWish {
  readonly requested: BuildRequested;
  readonly settings: BuildSettings;
  /** Whether a base that has a lock is assembled anew, too. */
  readonly anew: boolean;
}

/** @throws ERR_ENGINE_UNAVAILABLE if the image is one of Docker's, with the lines of the Dockerfile that need Docker, which come first */
const requireEmbedded = (plan: BuildPlan, inputs: BuildInputs, { engine: asked }: BuildSettings): void => {
  const wanted = asked === 'docker' ? 'docker' : 'auto';
  const { engine, because } = chooseEngine({ asked: wanted, request: inputs.request, unsupported: wanted === 'docker' ? [] : unsupportedBy(plan, inputs) });
  if (engine === 'embedded') return;
  throw engineMissing(because, {
    available: false,
    reason: 'only what the embedded engine builds can be reproduced, and this image is built by Docker: the Dockerfile, or an option of the build, asks for it',
    fix: 'Build it again with Docker, and see what would be pinned: pin --rebuild --dryRun.',
  });
};

/** What was built from nothing, and whether the pins answer for the source by what they and their images say. */
interface Rebuilt {
  readonly image: BuiltImage;
  readonly answer: PinAnswer;
}

const buildFromNothing = async (
  specFile: SpecFile,
  { requested, settings, anew }: ReproduceWish,
  locations: ImageLocations,
  scratch: ImageLocations,
  context: VerbContext,
): Promise<Rebuilt> => {
  const { spec, file } = specFile;
  const pins = pinsOf(spec);
  const platforms = PLATFORMS.filter((platform) => pins[architectureOf(platform)] !== undefined);
  if (platforms.length === 0) fail('ERR_IMAGE_UNPINNED', `${spec.ref} has no pin that could be reproduced`, { file });
  const places = { ...locations, scratch: { paths: scratch.paths, store: scratch.store, anew } };
  const inputs = await readBuildInputs(specFile, settings, places, context, requested);
  const plan = planImage(spec, await imageFacts(inputs, { platforms, push: false, registry: settings.registry }, context));
  requireEmbedded(plan, inputs, settings);
  context.progress('asking for the pinned image');
  const answer = await askPins(specFile, plan.fingerprint, { lane: settings.lane, platforms }, locations);
  const bases = await locateBases(inputs.bases).catch(blameBaseImage(inputs.baseImage));
  for (const [name, { digest }] of bases)
    if (digest !== inputs.bases.get(name)?.digest)
      fail('ERR_BASE_LOCK_STALE', `${name} can't be assembled as it is locked, and nothing is reproduced on another base`);
  const { context: files, dockerfile } = inputs;
  const engine = createEmbeddedEngine({ context: files, dockerfile, bases, store: scratch.store, noCache: true, revision: async () => null });
  const { image } = await engine.build(plan, { progress: context.progress, signal: context.signal });
  return { image, answer };
};

/** Does what reads a pinned image; what keeps it from being read is told, because that it differs is known already. */
const told = async (differences: Differences, platform: (typeof PLATFORMS)[number] | null, { signal }: VerbContext, work: () => Promise<void>) => {
  try {
    await work();
  } catch (thrown) {
    if (signal.aborted || !isPinlaneError(thrown)) throw thrown;
    differences.add({ platform, layer: null, path: null }, `not compared: ${thrown.problems[0]?.message}`);
  }
};

/** Compares what was built with every pin, and tells in what the images differ. @returns why they are not the same; empty if they are */
const compare = async (
  spec: ProcessorSpec,
  image: BuiltImage,
  locations: ImageLocations,
  { store }: ImageLocations,
  differences: Differences,
  context: VerbContext,
): Promise<string[]> => {
  const reasons: string[] = [];
  const pins = pinsOf(spec);
  const differs = (what: string, { digest }: PinnedReference, built: Digest): void =>
    void reasons.push(`${what}: ${shortDigest(digest)} is pinned, and the source makes ${shortDigest(built)}`);
  for (const platform of PLATFORMS) {
    const [pin, built] = [pins[architectureOf(platform)], image.platforms[architectureOf(platform)]];
    if (pin === undefined || built === undefined || pin.digest === built) continue;
    differs(platform, pin, built);
    context.progress(`comparing ${platform}`);
    const images = { pinned: { source: openLocation(pin, locations), digest: pin.digest }, built: { source: store, digest: built } };
    await told(differences, platform, context, () => compareImages(platform, images, differences, context.signal));
  }
  const index = indexPinOf(spec);
  if (index === null || index.digest === image.index) return reasons;
  // Images that differ are in indexes that differ.
  if (reasons.length === 0)
    await told(differences, null, context, () =>
      compareIndexes({ source: openLocation(index, locations), digest: index.digest }, { source: store, digest: image.index }, differences),
    );
  differs('index', index, image.index);
  return reasons;
};

/** A spec as it would be if what was built were pinned in the place of what is. */
const withBuilt = (spec: ProcessorSpec, image: BuiltImage): ProcessorSpec => {
  const pins = pinsOf(spec);
  const index = indexPinOf(spec);
  const inPlace = (pin: PinnedReference, digest: Digest): string => `${formatRepository(pin)}@${digest}`;
  const platforms = byArchitecture((each) => {
    const [pin, built] = [pins[each], image.platforms[each]];
    return pin === undefined || built === undefined ? undefined : inPlace(pin, built);
  });
  const source = { ...spec.image?.source, fingerprint: image.fingerprint };
  return { ...spec, image: { ...spec.image, platforms, index: index === null ? null : inPlace(index, image.index), source } } as ProcessorSpec;
};

/**
 * Builds every platform that is pinned from nothing, and tells whether that has the digests that are pinned, and if not, in what it differs. No image, record
 * or cache of an earlier build is used, and none is left; bytes of bases are taken where they are, because their digests are known. Nothing that it builds is
 * used, so that each lane may.
 * @throws ERR_IMAGE_UNPINNED, ERR_ENGINE_UNAVAILABLE, ERR_BASE_LOCK_STALE, what could not be found out, and whatever building throws
 */
export const reproduce = async (specFile: SpecFile, wish: ReproduceWish, locations: ImageLocations, context: VerbContext): Promise<VerbOutcome<PinReport>> => {
  const { spec, file } = specFile;
  const differences = gatherDifferences();
  const { image, answer, reasons } = await withRunFolder(
    join(locations.paths.cache, 'reproduce'),
    'run-',
    async (folder) => {
      const scratch = openLocations(workspacePaths(folder, wish.settings.lane), locations.access);
      const rebuilt = await buildFromNothing(specFile, wish, locations, scratch, context);
      return { ...rebuilt, reasons: await compare(spec, rebuilt.image, locations, scratch, differences, context) };
    },
    context.signal,
  );
  const outcome = reasons.length > 0 ? 'differs' : answer.outcome === 'stale' ? 'stale' : 'reproduced';
  const report = pinReport(spec, withBuilt(spec, image), {
    file,
    outcome,
    reasons: [...answer.reasons, ...reasons],
    explanation: outcome === 'stale' ? ['the source makes the digests that are pinned'] : [],
    reproduction: differences.count() > 0 ? differences.gathered() : undefined,
  });
  const lines = [renderPinReport(report), ...answer.remarks.map((remark) => `  remark: ${remark}`)];
  if (outcome === 'reproduced') return { document: report, lines, exitCode: EXIT.good };
  const code = outcome === 'differs' ? 'ERR_PIN_NOT_REPRODUCED' : 'ERR_PIN_STALE';
  return { document: report, lines: [...lines, formatProblem({ code, file, message: report.reasons.join('; ') })], exitCode: EXIT.verdict };
};
