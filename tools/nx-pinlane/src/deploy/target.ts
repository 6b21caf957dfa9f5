import { isAbsolute, join } from 'node:path';
import { headNames } from '@pinlane/adapters';
import {
  architectureOf,
  asPinlaneError,
  fail,
  HOSTING_NAMES,
  isPinlaneError,
  isStoreReference,
  parsePlatforms,
  PinlaneError,
  quoted,
  RUNTIME_NAMES,
  type HostingName,
  type Lane,
  type Platform,
  type Problem,
  type RuntimeName,
} from '@pinlane/contracts';
import {
  draftDeployment,
  environmentOf,
  hostingOf,
  requirePinned,
  whyLaneForbids,
  type DeploymentDraft,
  type DeploymentPlan,
  type HostingIo,
  type HostingPlatform,
} from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { valueOf } from '../command/environment.ts';
import { openLocations, type ImageLocations } from '../images/locations.ts';
import { workspacePaths, type WorkspacePaths } from '../workspace/paths.ts';
import { choice, chosen, insecureRegistries, resolveLane } from '../workspace/settings.ts';
import { readSpec, type SpecFile } from '../workspace/spec-file.ts';
import { loginOf, openHosting } from './hosting.ts';

/** The options of a verb about one deployment, as they were given. */
export interface TargetOptions {
  readonly lane?: Lane | undefined;
  readonly adapter?: HostingName | undefined;
  readonly platform?: string | undefined;
  readonly runtime?: 'auto' | RuntimeName | undefined;
  readonly insecureRegistry?: readonly string[] | undefined;
}

/** Gives a spec other pins than registry.yaml has. */
export type Repin = (specFile: SpecFile, platform: Platform) => Promise<SpecFile['spec']>;

/** A deployment that a verb is about: what is to run where, and who runs it. */
export interface DeployTarget {
  readonly specFile: SpecFile;
  readonly lane: Lane;
  readonly hosting: HostingPlatform;
  readonly plan: DeploymentPlan;
  readonly locations: ImageLocations;
  readonly io: HostingIo;
}

const isCi = ({ CI: ci }: VerbContext['env']): boolean => ci !== undefined && ci !== '' && ci !== 'false';

/** The one platform that is named, or the one that is taken. @throws ERR_OPTION_INVALID */
export const onePlatform = (named: string | undefined, taken: Platform): Platform => {
  if (named === undefined) return taken;
  const platforms = parsePlatforms(named);
  return platforms.length === 1 ? (platforms[0] as Platform) : fail('ERR_OPTION_INVALID', '--platform names one platform');
};

/** What a step gives, or its problems. */
export const attempt = async <T>(problems: Problem[], work: () => T | Promise<T>): Promise<T | null> => {
  try {
    return await work();
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    problems.push(...asPinlaneError(thrown).problems);
    return null;
  }
};

/** The paths of a workspace whose clones may share what is deployed to this machine: an app needs nothing of the clone that deployed it. @throws ERR_OPTION_INVALID */
const deployPaths = (paths: WorkspacePaths, env: VerbContext['env']): WorkspacePaths => {
  const deployments = valueOf(env, 'PINLANE_DEPLOYMENTS');
  if (deployments === undefined) return paths;
  if (!isAbsolute(deployments)) fail('ERR_OPTION_INVALID', `PINLANE_DEPLOYMENTS is ${quoted(deployments)}; it takes an absolute path`);
  return { ...paths, deployments, appLocks: join(deployments, '.locks'), appRoots: join(deployments, '.rootfs') };
};

/**
 * Reaches the hosting platform that a verb works with: by the option, the environment or registry.yaml. Why the lane may not use it from here is added to the
 * problems, and then there is none.
 * @throws ERR_LANE_UNKNOWN, ERR_OPTION_INVALID
 */
export const reachHosting = async (
  options: TargetOptions,
  spec: Pick<SpecFile['spec'], 'deploy'>,
  { root, env, signal, progress, patience }: VerbContext,
  problems: Problem[],
): Promise<{ readonly lane: Lane; readonly locations: ImageLocations; readonly hosting: HostingPlatform | null }> => {
  const lane = resolveLane(options.lane, env);
  const name = hostingOf(options.adapter ?? choice(env, 'PINLANE_ADAPTER', HOSTING_NAMES), spec);
  const locations = openLocations(deployPaths(workspacePaths(root, lane), env), {
    insecureRegistries: insecureRegistries(options.insecureRegistry, env),
    signal,
    progress,
    patience,
  });
  const runtime = chosen(options.runtime, env, 'PINLANE_RUNTIME', ['auto', ...RUNTIME_NAMES] as const);
  problems.push(...whyLaneForbids(lane, { hosting: name, ci: isCi(env) }));
  return { lane, locations, hosting: await attempt(problems, () => openHosting(name, { lane, runtime, locations, env })) };
};

/** What is known of a deployment that a verb is about, part by part, and what is in its way. */
export interface TargetParts {
  readonly specFile: SpecFile;
  readonly lane: Lane;
  readonly hosting: HostingPlatform | null;
  /** Where it is to run and how; null if the lane deploys nowhere. */
  readonly draft: DeploymentDraft | null;
  /** What is to run; null if nothing is pinned that may. */
  readonly pinned: Pick<DeploymentPlan, 'image' | 'platform'> | null;
  readonly locations: ImageLocations;
  readonly io: HostingIo;
  readonly problems: readonly Problem[];
}

const storePinProblem = (hosting: HostingName, file: string): Problem => ({
  code: 'ERR_PIN_LOCAL',
  message: `the pin names this machine's store, and ${hosting} pulls images from a registry`,
  file,
  fix: 'Push and pin in staging, or rehearse on this machine: --adapter=local.',
});

const draftOf = async (spec: SpecFile['spec'], lane: Lane, { root, env }: VerbContext): Promise<DeploymentDraft | null> => {
  const environment = environmentOf(lane);
  if (environment === null) return null;
  const { branch, sha } = environment === 'dev' ? await headNames(root, env) : { branch: undefined, sha: undefined };
  return draftDeployment(spec, { lane, environment, branch: branch ?? sha, user: loginOf(env) });
};

/**
 * Finds out what a verb is about, from its options, the environment and registry.yaml; each part as far as it can be, whatever is wrong with the others.
 * @param repin gives the spec with other pins; those of registry.yaml if absent
 * @throws ERR_LANE_UNKNOWN, and what reading registry.yaml throws: everything else depends on them
 */
export const readTarget = async (options: TargetOptions, context: VerbContext, repin?: Repin): Promise<TargetParts> => {
  const { signal, progress } = context;
  const specFile = await readSpec(context);
  const { spec, file } = specFile;
  const problems: Problem[] = [];
  const { lane, locations, hosting } = await reachHosting(options, spec, context, problems);
  const platform = hosting && (await attempt(problems, () => onePlatform(options.platform, hosting.takes)));
  const repinned = repin ? platform && (await attempt(problems, () => repin(specFile, platform))) : spec;
  const found = platform && repinned && (await attempt(problems, () => requirePinned(repinned, { file, platforms: [platform], lane })));
  const pinned = found && { image: found.pins[architectureOf(platform)]!, platform };
  if (pinned && hosting.name !== 'local' && isStoreReference(pinned.image)) problems.push(storePinProblem(hosting.name, file));
  return { specFile, lane, hosting, draft: await draftOf(spec, lane, context), pinned, locations, io: { progress, signal }, problems };
};

/** The deployment that some parts make. @throws all of its problems at once */
export const targetOf = ({ hosting, draft, pinned, problems, ...parts }: TargetParts): DeployTarget => {
  if (problems.length > 0 || !hosting || !draft || !pinned) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  return { ...parts, hosting, plan: { ...draft, ...pinned } };
};

/**
 * Decides what a verb is about.
 * @throws with all problems at once: ERR_LANE_FORBIDS, ERR_IMAGE_UNPINNED, ERR_PIN_LOCAL, ERR_OPTION_INVALID; ERR_LANE_UNKNOWN
 */
export const openTarget = async (options: TargetOptions, context: VerbContext, repin?: Repin): Promise<DeployTarget> =>
  targetOf(await readTarget(options, context, repin));
