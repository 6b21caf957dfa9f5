import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { createDockerEngine, createProcessRunner, dockerOnly, headRevision, parseSecrets, withoutEffect, type DockerBuildOptions } from '@pinlane/adapters';
import {
  digestSchema,
  fail,
  isPinlaneError,
  parseReference,
  PinlaneError,
  STORE_HOST,
  type Availability,
  type BuildPlan,
  type BuiltImage,
  type Digest,
  type Problem,
} from '@pinlane/contracts';
import { ASSEMBLER_VERSION, assembleImage, copyImage, isLoopback, readBaseLayers, requireEmbeddable, type BaseLayers } from '@pinlane/oci';
import type { FlowContext } from '../shell/flow.ts';
import type { ResolvedBase } from './bases.ts';
import type { BuildSite, Ensured } from './ensure-built.ts';
import type { Prepared } from './prepare.ts';
import type { BuildSettings } from './settings.ts';

/** What was asked of a build besides its source. */
export interface BuildRequest {
  readonly docker: DockerBuildOptions;
  /** Labels besides those of the Dockerfile and of Pinlane. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What Docker's caches and builders are called changes no image. */
const ASKS_NOTHING = new Set(['builder', 'cacheFrom', 'cacheTo', 'noCacheFilter', 'pull']);

/** What was asked besides the source, as one hash: another build of the same source is another image. Undefined where nothing was. */
export const variantOf = ({ docker, labels }: BuildRequest): Digest | undefined => {
  const asked = Object.entries({ ...docker, labels })
    .filter(([name, value]) => !ASKS_NOTHING.has(name) && value !== undefined && value !== 'false' && Object.keys(value).length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return asked.length === 0 ? undefined : digestSchema.parse(`sha256:${createHash('sha256').update(JSON.stringify(asked)).digest('hex')}`);
};

/** Whether something goes into the image that no digest stands for, so that an earlier build of the same source says nothing about it. */
export const isOpenEnded = ({ docker }: BuildRequest): boolean => (docker.buildContexts ?? []).some((context) => !/@sha256:[a-f0-9]{64}$/.test(context));

/** The names under which the Dockerfile sees other contexts. */
export const contextNames = ({ docker }: BuildRequest): string[] => (docker.buildContexts ?? []).map((text) => text.slice(0, Math.max(0, text.indexOf('='))));

/** Why the embedded engine cannot build it; null where it can. */
const beyondEmbedded = (plan: BuildPlan, { dockerfile }: Prepared): PinlaneError | null => {
  try {
    requireEmbeddable(dockerfile, plan.buildArgs, plan.platforms, plan.target ?? undefined);
    return null;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_DOCKERFILE_UNSUPPORTED')) return thrown;
    throw thrown;
  }
};

/**
 * A base as BuildKit takes it. Our store is an OCI layout, which it reads from the folder; a registry it reads itself, with Docker's own logins. Only one on
 * this machine, or without TLS, it may not reach or not trust, so what is there is brought into the store first. The layout is named from the workspace's
 * root, where the client runs: it ends a path at the first @ or :, which the root may have.
 */
const baseSource = async ({ pinned, digest, source }: ResolvedBase, { store, settings }: BuildSite, { root, signal }: FlowContext): Promise<string> => {
  const reference = parseReference(pinned);
  const near = isLoopback(reference.host) || settings.insecureRegistries.has(reference.host);
  if (source !== store && !near) return `docker-image://${pinned}`;
  if (source !== store) await copyImage(source, store, digest, { signal });
  return `oci-layout://${relative(root, store.root)}@${digest}`;
};

/** A lane without secrets hands none to a build either. @throws ERR_LANE_SECRET_SET, ERR_OPTION_INVALID */
const requireNoSecrets = ({ secret = [], ssh = [] }: DockerBuildOptions, { lane, rules }: BuildSettings, env: FlowContext['env']): void => {
  const secrets = parseSecrets(secret, env);
  if (secrets.length > 0 && rules.secrets === 'unset')
    fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and --secret names ${secrets.map(({ id }) => id).join(', ')}`, {
      fix: 'Leave --secret out in this lane, or build what needs it in another.',
    });
  if (ssh.length > 0 && rules.secrets === 'unset')
    fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and --ssh hands an agent or a key to the build`, {
      fix: 'Leave --ssh out in this lane, or build what needs it in another.',
    });
};

const dockerEngine = (
  prepared: Prepared,
  site: BuildSite,
  { root, env, note }: FlowContext,
  revision: string | null,
  bases: Readonly<Record<string, string>>,
  baseLayers: BaseLayers,
) => {
  const { docker = {} } = site.request ?? {};
  return createDockerEngine({
    runner: createProcessRunner(),
    context: prepared.context,
    file: prepared.dockerfile.file,
    bases,
    baseLayers,
    options: docker,
    noCache: site.noCache,
    isolated: site.settings.rules.fresh,
    store: site.store,
    workFolder: join(site.paths.cache, 'docker'),
    root,
    env,
    revision,
    note,
  });
};

/**
 * The engine that builds: the one asked for; else the embedded one, and Docker for what only Docker can do. So whether a Docker happens to
 * run on a machine changes no digest.
 * @throws ERR_OPTION_INVALID for an option that the engine asked for cannot carry out; ERR_DOCKERFILE_UNSUPPORTED where Docker would be
 * needed and none answers, with ERR_ENGINE_UNAVAILABLE for why
 */
const chooseEngine = async (
  plan: BuildPlan,
  prepared: Prepared,
  site: BuildSite,
  availability: () => Promise<Availability>,
): Promise<'embedded' | 'docker'> => {
  const { engine } = site.settings;
  if (engine === 'docker') return 'docker';
  const needed = dockerOnly(site.request?.docker ?? {});
  if (engine === 'embedded') {
    if (needed.length > 0)
      fail('ERR_OPTION_INVALID', `the embedded engine cannot carry out ${needed.map((name) => `--${name}`).join(', ')}`, {
        fix: 'Build with --engine=docker.',
      });
    return 'embedded';
  }
  if (needed.length > 0) return 'docker';
  const reason = beyondEmbedded(plan, prepared);
  if (reason === null) return 'embedded';
  const docker = await availability();
  if (docker.available) return 'docker';
  // What in the Dockerfile needs Docker says more than that there is none, so it comes first.
  const [first, ...others] = reason.problems as [Problem, ...Problem[]];
  throw new PinlaneError([first, ...others, { code: 'ERR_ENGINE_UNAVAILABLE', message: docker.reason, fix: docker.fix }]);
};

/** Builds a plan's image into the store. @throws ERR_ENGINE_UNAVAILABLE, ERR_BUILD_FAILED, whatever assembling throws */
export const buildImage = async (plan: BuildPlan, prepared: Prepared, site: BuildSite, context: FlowContext): Promise<Ensured> => {
  const { progress, note, signal, root } = context;
  // Git is a process of its own: the embedded engine builds meanwhile.
  const asked = headRevision(root);
  const headCommit = async (): Promise<string | null> => {
    const { revision, ...why } = await asked;
    if ('reason' in why) note(`no revision is recorded: ${why.reason}`);
    return revision;
  };
  requireNoSecrets(site.request?.docker ?? {}, site.settings, context.env);
  const variant = site.request && variantOf(site.request);
  const contexts = site.request ? contextNames(site.request) : [];
  const recorded = (image: BuiltImage): BuiltImage => ({
    ...image,
    ...(variant === undefined ? {} : { variant }),
    ...(contexts.length === 0 ? {} : { contexts }),
  });
  const availability = () => dockerEngine(prepared, site, context, null, {}, new Map()).availability();
  if ((await chooseEngine(plan, prepared, site, availability)) === 'docker') {
    const bases = await Promise.all([...prepared.bases].map(async ([name, base]) => [name, await baseSource(base, site, context)] as const));
    const docker = dockerEngine(prepared, site, context, await headCommit(), Object.fromEntries(bases), await readBaseLayers(prepared.bases.values()));
    return { outcome: 'built', layers: null, image: recorded(await docker.build(plan, { progress, signal })) };
  }

  const idle = withoutEffect(site.request?.docker ?? {});
  if (idle.length > 0) note(`${idle.map((name) => `--${name}`).join(', ')}: of Docker's builders and caches, and without effect on the embedded engine`);
  const { index, platforms, builtLayers, reusedLayers } = await assembleImage({
    context: prepared.context,
    dockerfile: prepared.dockerfile,
    target: plan.target ?? undefined,
    platforms: plan.platforms,
    buildArgs: plan.buildArgs,
    labels: plan.labels,
    resolveBase: async (name) => prepared.bases.get(name) ?? fail('ERR_INTERNAL', `the image ${name} was not among those that the Dockerfile names`),
    store: site.store,
    fresh: site.noCache,
    progress,
    signal,
  });
  await site.store.name(plan.slug, index);
  return {
    outcome: 'built',
    layers: { built: builtLayers, reused: reusedLayers },
    image: recorded({
      kind: 'BuiltImage',
      schemaVersion: 1,
      name: plan.slug,
      repository: `${STORE_HOST}/${plan.slug}`,
      platforms: Object.fromEntries(Object.entries(platforms).map(([architecture, { digest }]) => [architecture, digest])),
      index: index.digest,
      fingerprint: plan.fingerprint,
      revision: await headCommit(),
      engine: { name: 'embedded', version: String(ASSEMBLER_VERSION) },
      bases: plan.bases,
      pushed: false,
    }),
  };
};
