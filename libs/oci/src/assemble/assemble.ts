import { architectureOf, PinlaneError, type Architecture, type Digest, type Platform, type Problem, type Progress } from '@pinlane/contracts';
import { stopIfAborted, type ContentSource, type Descriptor } from '../content/index.ts';
import type { BuildContext } from '../context/index.ts';
import { requireEmbeddable, undeclaredArguments, type ParsedDockerfile } from '../dockerfile/index.ts';
import { composeIndex } from '../image/index.ts';
import { openLayerCache } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import { openBases, type FindFileLists } from './bases.ts';
import { createLayerBuilder } from './build-layers.ts';
import { openFileBytes } from './file-bytes.ts';
import { planPlatform } from './plan-platform.ts';
import { writePlatformImage } from './write-image.ts';

/** Goes into the fingerprint: raised when the same input gives other bytes than before. */
export const ASSEMBLER_VERSION = 3;

export interface AssembleRequest {
  readonly context: BuildContext;
  readonly dockerfile: ParsedDockerfile;
  /** The stage to build; the last one if it is left out. */
  readonly target?: string | undefined;
  readonly platforms: readonly Platform[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Override the Dockerfile's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where the image is that the Dockerfile calls by this name. */
  resolveBase(name: string): Promise<{ readonly source: ContentSource; readonly digest: Digest }>;
  readonly store: Store;
  /**
   * Finds what the layers of one platform's image hold, by the digest of its manifest, if someone listed it before: then layers need not be fetched for their files'
   * names. It is a claim, whose form was checked.
   */
  readonly fileLists?: FindFileLists | undefined;
  /** Makes every layer anew, whatever earlier builds left or others claim; the digests are the same. */
  readonly fresh?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface AssembledImage {
  readonly platforms: Partial<Record<Architecture, Descriptor>>;
  readonly index: Descriptor;
  /** Layers of this Dockerfile that an earlier build made, and those that this one made; one that platforms share counts once. */
  readonly reusedLayers: number;
  readonly builtLayers: number;
}

/** Platforms have most problems in common: each is told once. */
const throwAll = (problems: readonly Problem[]): void => {
  const unique = [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
  if (unique.length > 0) throw new PinlaneError(unique as [Problem, ...Problem[]]);
};

/** The results of all; a failure is thrown when the others have ended, so that nothing works on behind the caller's back. */
const allOf = async <T>(work: readonly Promise<T>[]): Promise<T[]> => {
  await Promise.allSettled(work);
  return Promise.all(work);
};

/**
 * Builds the image that a Dockerfile describes, for every platform at once, into a store: first it works out and checks everything, then it writes
 * the layers that are missing, then configs, manifests and the index. The same request gives the same digests anywhere; the image gets no name. Layers of a base
 * stay in its registry, and the store gets a note of them; those are fetched whose files an instruction looks at.
 * @throws ERR_DOCKERFILE_UNSUPPORTED, ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_CONTEXT_INVALID, each with
 * its line and all at once; ERR_LAYER_UNSAFE, ERR_PLATFORM_MISSING and whatever a base's source throws; ERR_CANCELLED
 */
export const assembleImage = async (request: AssembleRequest): Promise<AssembledImage> => {
  const { dockerfile, target, platforms, buildArgs, labels, store, fileLists, fresh = false, progress, signal } = request;
  requireEmbeddable(dockerfile, buildArgs, platforms, target);
  for (const name of undeclaredArguments(dockerfile, buildArgs))
    progress(`the build argument ${name} has no effect: ${dockerfile.file} has no ARG ${name}`, 'note');
  const cache = openLayerCache(store, { fresh });
  const { baseOf, layers: baseLayers } = openBases({
    store,
    cache,
    fileLists: fresh ? undefined : fileLists,
    progress,
    signal,
    resolveBase: (name) => request.resolveBase(name),
  });
  const files = openFileBytes(request.context, baseLayers, cache, signal);
  const planning = { dockerfile, target, buildArgs, files, baseOf };
  const plans = await allOf(platforms.map(async (platform) => ({ platform, ...(await planPlatform(planning, platform)) })));
  throwAll(plans.flatMap(({ problems }) => problems));

  progress(`writing layers for ${platforms.join(' and ')}`);
  const builder = createLayerBuilder(store, cache, files, signal);
  const children = await allOf(
    plans.map(async ({ platform, state }) => {
      const layers = await builder.layersOf(state);
      stopIfAborted(signal);
      return writePlatformImage(store, platform, state, layers, labels);
    }),
  );
  const { bytes, descriptor: index } = composeIndex(children);
  await store.putManifest(index, bytes);
  const { built, reused } = builder.counts();
  progress(`assembled ${platforms.join(' and ')}: ${built} layers built, ${reused} reused`);
  return {
    platforms: Object.fromEntries(platforms.map((platform, at) => [architectureOf(platform), children[at]!])),
    index,
    reusedLayers: reused,
    builtLayers: built,
  };
};
