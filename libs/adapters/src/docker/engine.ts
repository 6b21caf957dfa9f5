import { ARCHITECTURES, fail, type BuildEngine, type BuildPlan, type Built, type BuiltImage } from '@pinlane/contracts';
import { builtImage } from '@pinlane/pipeline';
import { withRunFolder } from '../files/index.ts';
import { buildAtOnce, buildOneByOne } from './build-platforms.ts';
import type { DockerBuild, DockerEngineInput } from './build.ts';
import { writableTargets } from './cache.ts';
import { writeContextFolder } from './context-folder.ts';
import { buildkitVersion, findBuilder, isBuilder, type Builder } from './find-builder.ts';
import { wantsAttestations, type DockerBuildOptions } from '@pinlane/pipeline';
import { parseSecrets, secretValues } from './secrets.ts';

const requireAble = (builder: Builder, options: DockerBuildOptions, note: (line: string) => void): void => {
  if (wantsAttestations(options) && !builder.attestations)
    fail('ERR_ENGINE_UNAVAILABLE', `the builder ${builder.name} can't attest: its Docker keeps no images in containerd, or its buildx is older than 0.10`, {
      fix: 'Turn on the containerd image store, name another builder with --builder, or leave --provenance and --sbom out.',
    });
  if ((options.annotations ?? []).length > 0 && !builder.layout)
    fail('ERR_ENGINE_UNAVAILABLE', `the builder ${builder.name} can't annotate: its Docker keeps no images in containerd`, {
      fix: 'Turn on the containerd image store, name another builder with --builder, or leave --annotations out.',
    });
  if ((options.cacheTo ?? []).length > 0 && !builder.cacheExport)
    note(`WARNING --cacheTo has no effect: the builder ${builder.name} can't export caches, its Docker keeps no images in containerd`);
};

/** The options that a build uses: no caches of others if it is isolated, no local cache that can't be written. */
const usedOptions = async ({ options, isolated, root, note }: DockerEngineInput): Promise<DockerBuildOptions> => {
  const { cacheFrom = [], cacheTo = [] } = options;
  if (!isolated) return { ...options, cacheFrom, cacheTo: await writableTargets(cacheTo, root, note) };
  if (cacheFrom.length + cacheTo.length > 0) note('this lane builds apart from all others: --cacheFrom and --cacheTo are not used');
  return { ...options, cacheFrom: [], cacheTo: [] };
};

/** The engine as it is recorded: everything whose upgrade could change a digest. */
const engineRecord = ({ name, driver, buildx, docker }: Builder, buildkit: string, options: DockerBuildOptions): NonNullable<BuiltImage['engine']> => ({
  name: 'docker',
  version: [`buildx ${buildx}`, `buildkit ${buildkit}`, ...(docker === null ? [] : [`docker ${docker}`])].join(', '),
  builder: { name, driver, buildx, buildkit, docker },
  // An attestation names the moment of its build.
  reproducible: !wantsAttestations(options),
});

const buildInto = async (build: DockerBuild): Promise<Built> => {
  const { input, builder, plan, io } = build;
  io.progress(`building for ${plan.platforms.join(' and ')} with the builder ${builder.name}`);
  const { platforms, index } = builder.layout ? await buildAtOnce(build) : await buildOneByOne(build);
  await input.store.name(plan.slug, index);
  const made = {
    platforms: Object.fromEntries(ARCHITECTURES.flatMap((each) => (platforms[each] ? [[each, platforms[each].digest]] : []))),
    index: index.digest,
    engine: engineRecord(builder, await buildkitVersion(input.runner, builder), input.options),
    revision: await input.revision(),
  };
  return { image: builtImage(plan, made), layers: null };
};

/**
 * Builds images with `docker buildx build` into our own store: from there an image is pinned, pushed and tested like any other. BuildKit gets exactly the
 * context that the fingerprint covers, and bases by digest. It builds all platforms in one call if it can. Nothing of a build stays on disk but the image,
 * whatever happens.
 */
export const createDockerEngine = (input: DockerEngineInput): BuildEngine => {
  const { runner, env, root, note, workFolder } = input;
  const find = (signal?: AbortSignal) => findBuilder(runner, input.options.builder, { env, ...(signal ? { signal } : {}) });
  return {
    name: 'docker',

    async availability() {
      const found = await find();
      return isBuilder(found) ? { available: true, version: `buildx ${found.buildx}` } : found;
    },

    async build(plan: BuildPlan, io) {
      const builder = await find(io.signal);
      if (!isBuilder(builder)) return fail('ERR_ENGINE_UNAVAILABLE', builder.reason, { fix: builder.fix });
      const options = await usedOptions(input);
      requireAble(builder, options, note);
      for (const { path, why } of input.context.odd) note(`${JSON.stringify(path)} ${why}: it is left out of the build context, as no image can hold it`);
      const hidden = await secretValues(parseSecrets(options.secret ?? [], env), root, env);
      return withRunFolder(
        workFolder,
        'build-',
        async (folder) => {
          const written = await writeContextFolder(input.context, folder);
          return buildInto({ input: { ...input, options }, builder, plan, io, hidden, folder, ...written });
        },
        io.signal,
      );
    },
  };
};
