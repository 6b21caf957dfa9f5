import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ask, createProcessRunner, findBuilder, isBuilder, type Builder } from '@pinlane/adapters';
import { asPinlaneError, isPinlaneError, parsePinnedReference } from '@pinlane/contracts';
import type { LaneNeeds } from '@pinlane/pipeline';
import { valueOf } from '../../../command/environment.ts';
import { openRegistry, type ImageLocations } from '../../../images/locations.ts';
import { findingOf, missing, type Check, type Finding } from '../check.ts';
import type { Settings } from '../settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Whether a lane can have a base without assembling it; null if it has to. */
const hadAlready = async (baseDir: string, locations: ImageLocations, env: Env, signal: AbortSignal): Promise<string | null> => {
  if (valueOf(env, 'PINLANE_BASE_IMAGE') !== undefined) return 'PINLANE_BASE_IMAGE stands in its place';
  const { knownBase } = await import('@pinlane/base-node');
  const { store, paths } = locations;
  const options = { root: paths.root, name: basename(baseDir), baseDir, env, signal, progress: () => undefined, store, folder: join(paths.cache, 'base') };
  const known = await knownBase(options);
  if (known === null) return null;
  if ((await store.missing(known.index)).length === 0) return 'it is in the store';
  if (known.published === null) return null;
  const reference = parsePinnedReference(known.published);
  const published = openRegistry(reference, { ...locations.access, signal });
  return published.readManifest(reference.digest).then(
    () => `it is published as ${known.published}`,
    () => null,
  );
};

const BASE_FIX =
  'Install apt and npm and let them reach their sources; or name an image by digest in PINLANE_BASE_IMAGE, or one that was pushed in published: of base.yaml.';

/** Whether a base is here, can be fetched, or can be assembled. */
export const baseFinding = async (folder: string, locations: ImageLocations, env: Env, signal: AbortSignal): Promise<Finding> => {
  const baseDir = join(locations.paths.root, folder);
  const had = await hadAlready(baseDir, locations, env, signal);
  if (had !== null) return { state: 'ok', message: had };
  const { reachSources } = await import('@pinlane/base-node');
  try {
    return { state: 'ok', message: `it can be assembled: ${await reachSources(baseDir, { env, signal })}` };
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_TOOL_MISSING') || isPinlaneError(thrown, 'ERR_BASE_UNAVAILABLE'))
      return missing(
        asPinlaneError(thrown)
          .problems.map(({ message }) => message)
          .join('; '),
        BASE_FIX,
      );
    if (isPinlaneError(thrown)) return findingOf('missing', thrown.problems[0]!);
    throw thrown;
  }
};

const aptFinding = async (env: Env, signal: AbortSignal): Promise<Finding> => {
  const { exitCode, stdout, fault } = await ask({ command: 'apt-get', args: ['--version'], env, timeoutMs: 9_000, signal });
  if (fault === 'missing') return missing('apt-get is not installed', BASE_FIX);
  if (exitCode !== 0) return { state: 'unknown', message: 'apt-get does not tell its version', fix: 'Run apt-get --version, and see.' };
  return { state: 'ok', message: stdout.split('\n')[0] ?? '' };
};

type SearchBuilder = (signal: AbortSignal) => ReturnType<typeof findBuilder>;

/** Finds the builder in use. Buildx makes a folder for its builders where it has none: it gets one that goes with the question. */
const searchBuilder = async (env: Env, signal: AbortSignal): ReturnType<SearchBuilder> => {
  const own = env['BUILDX_CONFIG'] || join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'buildx');
  if (existsSync(own)) return findBuilder(createProcessRunner(), undefined, { env, signal });
  const folder = await mkdtemp(join(tmpdir(), 'pinlane-buildx-'));
  try {
    return await findBuilder(createProcessRunner(), undefined, { env: { ...env, BUILDX_CONFIG: folder }, signal });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
};

/** Docker's own words, without the values of the variables that lead it; a report has none of any variable. */
const withoutValues = (words: string, env: Env): string =>
  ['BUILDX_BUILDER', 'DOCKER_CONTEXT', 'DOCKER_HOST'].reduce((text, name) => (env[name] ? text.replaceAll(env[name], () => `$${name}`) : text), words);

const builderFinding = (found: Awaited<ReturnType<SearchBuilder>>, env: Env): Finding => {
  if (!isBuilder(found)) return missing(withoutValues(found.reason, env), withoutValues(found.fix, env));
  const { name, driver, buildx, docker, platforms } = found;
  const daemon = docker === null ? '' : `, Docker ${docker}`;
  return {
    state: 'ok',
    message: `buildx ${buildx}, builder ${name} (${driver})${daemon}; it builds for ${platforms.join(', ') || 'no platform that it tells'}`,
  };
};

const layoutFinding = (found: Builder): Finding =>
  found.layout
    ? { state: 'ok', message: found.driver === 'docker' ? 'Docker keeps images in containerd' : `the builder ${found.name} writes OCI layouts by itself` }
    : missing(
        'Docker keeps no images in containerd',
        'Turn on the containerd image store ("features": {"containerd-snapshotter": true} in daemon.json), or name another builder.',
      );

const dockerChecks = (needs: LaneNeeds, search: SearchBuilder, env: Env): Check[] => [
  {
    ...{ group: 'building', name: 'Docker Buildx', needed: needs.docker },
    without: 'Dockerfiles with RUN or ADD of an address are not built, and images not loaded into Docker',
    look: async (signal) => builderFinding(await search(signal), env),
  },
  {
    ...{ group: 'building', name: 'containerd image store', needed: null },
    without: 'Docker builds one platform after the other, exports no cache and attests nothing',
    look: async (signal) => {
      const found = await search(signal);
      return isBuilder(found) ? layoutFinding(found) : missing('there is no builder', withoutValues(found.fix, env));
    },
  },
];

/** Engines and bases. */
export const buildingChecks = (settings: Settings, needs: LaneNeeds, bases: readonly string[], locations: ImageLocations, env: Env): Check[] => {
  let asked: ReturnType<SearchBuilder> | undefined;
  const search: SearchBuilder = (signal) => (asked ??= searchBuilder(env, signal));
  return [
    {
      ...{ group: 'building', name: 'embedded engine', needed: settings.engine === 'docker' ? null : needs.engine },
      without: 'images are built by Docker alone',
      look: () => ({ state: 'ok', message: 'it needs nothing but Node' }),
    },
    {
      ...{ group: 'building', name: 'apt', needed: null, without: 'a base that is neither in the store nor published is not assembled here' },
      look: (signal) => aptFinding(env, signal),
    },
    ...bases.map((folder): Check => ({
      ...{ group: 'building', name: `base ${folder}`, needed: needs.base },
      without: 'nothing that builds on it is built here',
      look: (signal) => baseFinding(folder, locations, env, signal),
    })),
    ...dockerChecks(needs, search, env),
  ];
};
