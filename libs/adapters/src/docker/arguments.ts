import type { BuildPlan, Platform } from '@pinlane/contracts';
import type { Builder } from './find-builder.ts';
import { isAtLeast } from './builder.ts';
import { cacheSources, cacheTargets } from './cache.ts';
import type { DockerBuildOptions } from '@pinlane/pipeline';
import { groupPaths } from './grouping.ts';
import { csv } from './csv.ts';
import { secretArgument, type BuildSecret } from './secrets.ts';

/** Where the result of a build goes: an OCI layout in a folder, or a name in Docker's own image store. */
export type BuildOutput = { readonly kind: 'layout'; readonly folder: string } | { readonly kind: 'image'; readonly name: string };

/** One call of `docker buildx build`. */
export interface BuildCall {
  readonly plan: Pick<BuildPlan, 'buildArgs' | 'labels' | 'target'>;
  readonly platforms: readonly Platform[];
  /** The folder that holds the context as COPY sees it, and the Dockerfile outside of it. */
  readonly context: string;
  readonly dockerfile: string;
  /** The image behind each name in the Dockerfile: `oci-layout://…` or `docker-image://…`, by digest. */
  readonly bases: Readonly<Record<string, string>>;
  readonly output: BuildOutput;
  readonly options: DockerBuildOptions;
  readonly secrets: readonly BuildSecret[];
  readonly noCache: boolean;
  /** Whether no other build may use what this one leaves in the builder's cache. */
  readonly isolated: boolean;
  /** The folder to which paths in options are relative. */
  readonly root: string;
}

const each = (flag: string, values: readonly string[] | undefined): string[] => (values ?? []).map((value) => `--${flag}=${value}`);
const one = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [`--${flag}=${value}`]);
const pairs = (record: Readonly<Record<string, string>>): string[] =>
  Object.entries(record)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);

/** The time of everything in the image, unless the plan has a build argument of that name. */
export const SOURCE_DATE_EPOCH = '0';

/**
 * These keep a build's steps apart in the builder's own cache, which BuildKit fills even with `--no-cache`: a host that RUN knows is part of a step's key and
 * of no image, and the caches that RUN mounts have a namespace (Dockerfile reference, "BuildKit built-in build args").
 */
const APART = ['--add-host=isolated.pinlane.invalid:127.0.0.1', '--build-arg=BUILDKIT_CACHE_MOUNT_NS=pinlane-isolated'];

const outputOf = (output: BuildOutput): string =>
  output.kind === 'layout' ? ['type=oci', 'tar=false', 'oci-mediatypes=true', csv(`dest=${output.folder}`)].join(',') : 'type=docker';

/** Turns attestations off unless they are asked for: newer builders add them by themselves, and with them each build has another index. */
const attestations = ({ provenance = 'false', sbom = 'false' }: DockerBuildOptions, { buildx, attestations: able }: Builder): string[] => {
  if (!isAtLeast(buildx, [0, 10])) return [];
  return able ? [`--provenance=${provenance}`, `--sbom=${sbom}`] : ['--provenance=false', '--sbom=false'];
};

/**
 * The arguments of Docker's client for a build. They hold no value of a secret: BuildKit's client takes those from the environment or from files.
 * @throws ERR_OPTION_INVALID for a cache that can't be used
 */
export const buildArguments = (call: BuildCall, builder: Builder): string[] => {
  const { plan, options } = call;
  return [
    ...['buildx', 'build', `--builder=${builder.name}`, '--progress=plain', `--file=${call.dockerfile}`, `--platform=${call.platforms.join(',')}`],
    `--output=${outputOf(call.output)}`,
    ...(call.output.kind === 'image' ? [`--tag=${call.output.name}`] : []),
    ...each('build-arg', pairs({ SOURCE_DATE_EPOCH, ...plan.buildArgs })),
    ...each('label', pairs(plan.labels)),
    ...each('build-context', pairs(call.bases)),
    ...each('build-context', options.buildContexts),
    ...one('target', plan.target ?? undefined),
    ...attestations(options, builder),
    ...each('annotation', options.annotations),
    ...each('cache-from', cacheSources(options.cacheFrom ?? [])),
    ...each('cache-to', builder.cacheExport ? cacheTargets(options.cacheTo ?? []) : []),
    ...each(
      'secret',
      call.secrets.map((secret) => secretArgument(secret, call.root)),
    ),
    ...each('ssh', options.ssh && groupPaths(options.ssh)),
    ...one('network', options.network),
    ...each('add-host', options.addHosts),
    ...(call.isolated ? APART : []),
    ...each('allow', options.allow),
    ...one('shm-size', options.shmSize),
    ...each('ulimit', options.ulimit),
    ...one('cgroup-parent', options.cgroupParent),
    ...(call.noCache ? ['--no-cache'] : each('no-cache-filter', options.noCacheFilter)),
    ...(options.pull === true ? ['--pull'] : []),
    call.context,
  ];
};
