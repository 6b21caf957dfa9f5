import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ARCHITECTURES,
  architectureOf,
  fail,
  PinlaneError,
  STORE_HOST,
  type Architecture,
  type BuildEngine,
  type BuildPlan,
  type BuiltImage,
  type Platform,
  type Progress,
} from '@pinlane/contracts';
import { composeIndex, type BaseLayers, type BuildContext, type Descriptor, type Store } from '@pinlane/oci';
import { makeRunFolder } from '../files/index.ts';
import { redactText, type ProcessRunner } from '../process/index.ts';
import { writableTargets } from './cache.ts';
import { buildArguments, SOURCE_DATE_EPOCH, type BuildOutput } from './arguments.ts';
import { writeContextFolder } from './context-folder.ts';
import { buildkitVersion, findBuilder, isBuilder, type Builder } from './find-builder.ts';
import { importArchive } from './import-archive.ts';
import { importLayout, type ImportedImage } from './import-layout.ts';
import { wantsAttestations, type DockerBuildOptions } from './options.ts';
import type { ClampSite } from './clamp-image.ts';
import { lendLayouts } from './lend-layouts.ts';
import { buildFailure, cacheFailures, lineSplitter, progressLine, unusableCache } from './output.ts';
import { parseSecrets, secretValues } from './secrets.ts';

/** What the docker engine works with, besides the plan. */
export interface DockerEngineSite {
  readonly runner: ProcessRunner;
  readonly context: BuildContext;
  /** The Dockerfile's name in messages. */
  readonly file: string;
  /** As BuildKit takes them, for each image that the Dockerfile names: `oci-layout://…@sha256:…`, `docker-image://…@sha256:…`. */
  readonly bases: Readonly<Record<string, string>>;
  /** What those images are made of. */
  readonly baseLayers: BaseLayers;
  readonly options: DockerBuildOptions;
  readonly noCache: boolean;
  /** Whether nothing may be left to, or taken from, other runs. */
  readonly isolated: boolean;
  /** The images' home. */
  readonly store: Store;
  /** A folder of ours for what a build needs on the way; each build makes its own in it. */
  readonly workFolder: string;
  /** The workspace's root. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly revision: string | null;
  readonly note: (line: string) => void;
}

type BuildIo = { readonly progress: Progress; readonly signal: AbortSignal };

/** Docker's exit codes for a build that failed. */
const FAILED = [1, 2, 17, 125];

interface Work {
  readonly bases: DockerEngineSite['bases'];
  readonly folder: string;
  readonly context: string;
  readonly dockerfile: string;
}

/** One build with one builder. */
class DockerBuild {
  private readonly site: DockerEngineSite;
  private readonly builder: Builder;
  private readonly plan: BuildPlan;
  private readonly io: BuildIo;
  private readonly hidden: readonly string[];

  constructor(site: DockerEngineSite, builder: Builder, plan: BuildPlan, io: BuildIo, hidden: readonly string[]) {
    this.site = site;
    this.builder = builder;
    this.plan = plan;
    this.io = io;
    this.hidden = hidden;
  }

  private get clamped(): ClampSite {
    const { store, baseLayers, noCache, isolated } = this.site;
    const epoch = Number(this.plan.buildArgs['SOURCE_DATE_EPOCH'] ?? SOURCE_DATE_EPOCH);
    return { store, base: baseLayers, epoch, fresh: noCache || isolated };
  }

  private async call(work: Work, platforms: readonly Platform[], output: BuildOutput, options = this.site.options): Promise<void> {
    const { runner, noCache, isolated, root, env, file } = this.site;
    const secrets = parseSecrets(options.secret ?? [], env);
    const { bases, context, dockerfile } = work;
    const args = buildArguments({ plan: this.plan, platforms, context, dockerfile, bases, output, options, secrets, noCache, isolated, root }, this.builder);
    const hide = (text: string) => redactText(text, this.hidden);
    const show = lineSplitter((line) => {
      const shown = progressLine(line);
      if (shown !== null) this.io.progress(hide(shown));
    });
    const { exitCode, stderr, stdout } = await runner.run({
      command: this.builder.program,
      args,
      cwd: root,
      env,
      secrets: this.hidden,
      expectedCodes: FAILED,
      signal: this.io.signal,
      group: true,
      onStderr: show,
    });
    const said = `${stdout}\n${stderr}`;
    const unusable = exitCode === 0 || (options.cacheTo ?? []).length === 0 ? null : unusableCache(said);
    if (unusable !== null) {
      // BuildKit says so before it builds, and does not count it as an export that may fail.
      this.site.note(`WARNING the cache will not be exported: ${hide(unusable)}`);
      return this.call(work, platforms, output, { ...options, cacheTo: [] });
    }
    if (exitCode !== 0) throw new PinlaneError(buildFailure(said, file, hide));
    const { exported, imported } = cacheFailures(said);
    if (exported !== null) this.site.note(`WARNING the image is built, and the cache was not exported: ${hide(exported)}`);
    // As in the first build of all.
    if (imported !== null) this.site.note(`a cache was not used: ${hide(imported)}`);
  }

  /** All platforms in one call. */
  async atOnce(work: Work): Promise<ImportedImage> {
    const { options } = this.site;
    const { platforms } = this.plan;
    const folder = join(work.folder, 'image');
    await this.call(work, platforms, { kind: 'layout', folder });
    this.io.progress(`taking ${this.plan.slug} into the store`);
    const keepIndex = wantsAttestations(options) || (options.annotations ?? []).length > 0;
    return importLayout(folder, this.clamped, platforms, { keepIndex });
  }

  /** One platform after the other, arm64 first as the runbook has it, through Docker's own image store. */
  async oneByOne(work: Work): Promise<ImportedImage> {
    const { bases, takeBack } = await lendLayouts(work.bases, this.site.store);
    return this.eachAlone({ ...work, bases }).finally(takeBack);
  }

  private async eachAlone(work: Work): Promise<ImportedImage> {
    const { runner, store, env } = this.site;
    const { program } = this.builder;
    const { signal } = this.io;
    const children: Partial<Record<Architecture, Descriptor>> = {};
    for (const platform of [...this.plan.platforms].reverse()) {
      const name = `pinlane.localhost/build/${this.plan.slug}:${architectureOf(platform)}-${randomBytes(6).toString('hex')}`;
      const archive = join(work.folder, `${architectureOf(platform)}.tar`);
      try {
        await this.call(work, [platform], { kind: 'image', name });
        await runner.run({ command: program, args: ['save', '--output', archive, name], env, signal });
      } finally {
        await runner.run({ command: program, args: ['image', 'rm', name], env, expectedCodes: [1] }).catch(() => undefined);
      }
      children[architectureOf(platform)] = await importArchive(archive, join(work.folder, `${architectureOf(platform)}-files`), this.clamped, platform);
      await rm(archive, { force: true });
    }
    const { bytes, descriptor } = composeIndex(Object.values(children));
    await store.putManifest(descriptor, bytes);
    return { platforms: children, index: descriptor };
  }
}

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

/**
 * Builds images with `docker buildx build`, for every platform in one call where the builder can, into our own store: from there an image is pinned,
 * pushed and tested like any other. BuildKit sees the context that the fingerprint covers and bases by digest. Nothing of it stays on disk, whatever happens.
 */
export const createDockerEngine = (site: DockerEngineSite): BuildEngine => {
  const find = (signal?: AbortSignal) => findBuilder(site.runner, site.options.builder, { env: site.env, ...(signal ? { signal } : {}) });
  return {
    name: 'docker',

    async availability() {
      const found = await find();
      return isBuilder(found) ? { available: true, version: `buildx ${found.buildx}` } : found;
    },

    async build(plan, io): Promise<BuiltImage> {
      const builder = await find(io.signal);
      if (!isBuilder(builder)) return fail('ERR_ENGINE_UNAVAILABLE', builder.reason, { fix: builder.fix });
      const { cacheFrom = [], cacheTo = [] } = site.options;
      if (site.isolated && cacheFrom.length + cacheTo.length > 0) site.note('this lane builds apart from all others: --cacheFrom and --cacheTo are not used');
      const caches = site.isolated ? { cacheFrom: [], cacheTo: [] } : { cacheFrom, cacheTo: await writableTargets(cacheTo, site.root, site.note) };
      const options = { ...site.options, ...caches };
      requireAble(builder, options, site.note);
      const hidden = await secretValues(parseSecrets(options.secret ?? [], site.env), site.root, site.env);
      await mkdir(site.workFolder, { recursive: true });
      const folder = await makeRunFolder(site.workFolder, 'build-');
      try {
        const work: Work = { bases: site.bases, folder, ...(await writeContextFolder(site.context, folder)) };
        const build = new DockerBuild({ ...site, options }, builder, plan, io, hidden);
        io.progress(`building ${plan.slug} for ${plan.platforms.join(' and ')} with the builder ${builder.name}`);
        const { platforms, index } = builder.layout ? await build.atOnce(work) : await build.oneByOne(work);
        await site.store.name(plan.slug, index);
        const buildkit = await buildkitVersion(site.runner, builder);
        return {
          kind: 'BuiltImage',
          schemaVersion: 1,
          name: plan.slug,
          repository: `${STORE_HOST}/${plan.slug}`,
          platforms: Object.fromEntries(ARCHITECTURES.flatMap((each) => (platforms[each] ? [[each, platforms[each].digest]] : []))),
          index: index.digest,
          fingerprint: plan.fingerprint,
          revision: site.revision,
          engine: {
            name: 'docker',
            version: [`buildx ${builder.buildx}`, `buildkit ${buildkit}`, ...(builder.docker === null ? [] : [`docker ${builder.docker}`])].join(', '),
            builder: { name: builder.name, driver: builder.driver, buildx: builder.buildx, buildkit, docker: builder.docker },
            // What attests to a build names its moment.
            reproducible: !wantsAttestations(options),
          },
          bases: plan.bases,
          pushed: false,
        };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
};
