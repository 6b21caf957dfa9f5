import { join, relative } from 'node:path';
import { createDockerEngine, createEmbeddedEngine, createProcessRunner, headRevision } from '@pinlane/adapters';
import { isPinlaneError, parseReference, type BuildEngine, type BuildPlan, type Built, type Platform, type Problem } from '@pinlane/contracts';
import { copyImage, isLoopback, readBaseLayers, readImage, requireEmbeddable } from '@pinlane/oci';
import { chooseEngine, engineMissing, withoutEffect } from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import type { BuildSettings } from '../workspace/settings.ts';
import type { BuildInputs } from './build-inputs.ts';
import { fileListsFor } from './file-lists.ts';
import type { ImageLocations } from './locations.ts';
import type { ImagePlace } from './workspace-base.ts';

/** What is wanted of a build. */
export interface BuildWish {
  readonly settings: BuildSettings;
  /** Whether an image that is there already will not do. */
  readonly rebuild: boolean;
  /** Whether every layer is made anew, too. */
  readonly noCache: boolean;
  /** Whether the image is to be pinned, so that what is pinned now has to be known. */
  readonly pins?: boolean;
}

/** What in the Dockerfile the embedded engine can't carry out; empty if it can build it. */
export const unsupportedBy = ({ buildArgs, platforms, target }: BuildPlan, { dockerfile }: BuildInputs): readonly Problem[] => {
  try {
    requireEmbeddable(dockerfile, buildArgs, platforms, target ?? undefined);
    return [];
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_DOCKERFILE_UNSUPPORTED')) return thrown.problems;
    throw thrown;
  }
};

/**
 * A base as BuildKit takes it. Our store is an OCI layout, which BuildKit reads from the folder; a registry it reads by itself, with Docker's own logins.
 * A registry on this machine, or without TLS, may be out of its reach or not trusted, so an image there is brought into the store first. The layout is
 * named from the workspace's root, where the client runs: a path to it ends at the first @ or :, which the root may have.
 */
const baseForDocker = async (
  { reference, digest, source }: ImagePlace,
  platforms: readonly Platform[] | undefined,
  { store, access }: ImageLocations,
  { root, signal }: VerbContext,
): Promise<string> => {
  if (reference !== null) {
    const { host } = parseReference(reference);
    if (!isLoopback(host) && !access.insecureRegistries.has(host)) return `docker-image://${reference}`;
    await copyImage(source, store, digest, { signal });
  } else {
    // BuildKit reads the files of the layout by itself, and knows nothing of layers that are elsewhere.
    const { platforms: read } = await readImage(store, digest, { ...(platforms === undefined ? {} : { platforms }), repeated: 'first' });
    await store.bring(read.flatMap(({ manifest }) => manifest.layers));
  }
  return `oci-layout://${relative(root, store.root)}@${digest}`;
};

/** The platforms of which BuildKit may read a base: those that are built; undefined, for all, if a stage may name another. */
const platformsRead = ({ platforms }: BuildPlan, { dockerfile }: BuildInputs): readonly Platform[] | undefined =>
  dockerfile.stages.some(({ platform }) => platform !== undefined) ? undefined : platforms;

/** Asks git for the commit at once and tells once if there is none; engines wait for the answer only when they need it. */
export const revisionOf = ({ root, note }: VerbContext): (() => Promise<string | null>) => {
  const asked = headRevision(root).then(({ revision, ...why }) => {
    if ('reason' in why) note(`no revision is recorded: ${why.reason}`);
    return revision;
  });
  return () => asked;
};

/** The bytes of base images, by the names that the Dockerfile has for them. */
export type PlacedBases = ReadonlyMap<string, ImagePlace>;

/** Docker's engine for one build. */
const dockerEngine = async (
  inputs: BuildInputs,
  places: PlacedBases,
  { noCache, settings }: BuildWish,
  { paths, store }: ImageLocations,
  context: VerbContext,
  bases: Readonly<Record<string, string>>,
): Promise<BuildEngine> =>
  createDockerEngine({
    runner: createProcessRunner(),
    context: inputs.context,
    file: inputs.dockerfile.file,
    bases,
    baseLayers: await readBaseLayers(places.values()),
    options: inputs.request.docker,
    noCache,
    isolated: settings.rules.fresh,
    store,
    workFolder: join(paths.cache, 'docker'),
    root: context.root,
    env: context.env,
    note: context.note,
    revision: revisionOf(context),
  });

/**
 * The engine that builds: the one asked for; else the embedded one, and Docker for what only Docker can do. So whether a Docker happens to
 * run on a machine changes no digest.
 * @throws ERR_OPTION_INVALID for an option that the engine asked for can't carry out; ERR_DOCKERFILE_UNSUPPORTED if Docker is needed
 * and none answers, with ERR_ENGINE_UNAVAILABLE for why
 */
const engineFor = async (
  plan: BuildPlan,
  inputs: BuildInputs,
  places: PlacedBases,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<BuildEngine> => {
  const { settings, noCache } = wish;
  const { request } = inputs;
  const unsupported = settings.engine === 'auto' ? unsupportedBy(plan, inputs) : [];
  const { engine, because } = chooseEngine({ asked: settings.engine, request, unsupported });
  if (engine === 'embedded') {
    const idle = withoutEffect(request.docker);
    if (idle.length > 0)
      context.note(`${idle.map((name) => `--${name}`).join(', ')}: of Docker's builders and caches, and without effect on the embedded engine`);
    return createEmbeddedEngine({
      context: inputs.context,
      dockerfile: inputs.dockerfile,
      bases: places,
      store: locations.store,
      fileLists: fileListsFor(
        plan,
        [...places.values()].map(({ reference }) => reference),
        wish,
        locations.access,
        context,
      ),
      noCache,
      revision: revisionOf(context),
    });
  }
  if (because.length > 0) {
    const docker = await (await dockerEngine(inputs, new Map(), wish, locations, context, {})).availability();
    if (!docker.available) throw engineMissing(because, docker);
  }
  const bases = await Promise.all(
    [...places].map(async ([name, place]) => [name, await baseForDocker(place, platformsRead(plan, inputs), locations, context)] as const),
  );
  return dockerEngine(inputs, places, wish, locations, context, Object.fromEntries(bases));
};

/** Builds a plan's image into the store. @throws ERR_ENGINE_UNAVAILABLE, ERR_BUILD_FAILED, whatever assembling throws */
export const buildImage = async (
  plan: BuildPlan,
  inputs: BuildInputs,
  places: PlacedBases,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<Built> => {
  const engine = await engineFor(plan, inputs, places, wish, locations, context);
  return engine.build(plan, { progress: context.progress, signal: context.signal });
};
