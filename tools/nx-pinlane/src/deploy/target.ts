import { headNames } from '@pinlane/adapters';
import {
  asPinlaneError,
  fail,
  HOSTING_NAMES,
  isPinlaneError,
  parsePlatforms,
  PinlaneError,
  RUNTIME_NAMES,
  type HostingName,
  type Lane,
  type Platform,
  type Problem,
  type RuntimeName,
} from '@pinlane/contracts';
import {
  environmentOf,
  hostingOf,
  planDeployment,
  requirePinned,
  whyLaneForbids,
  type DeploymentPlan,
  type HostingIo,
  type HostingPlatform,
} from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { openLocations, type ImageLocations } from '../images/locations.ts';
import { workspacePaths } from '../workspace/paths.ts';
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

/**
 * Reaches the hosting platform that a verb works with: by the option, the environment or registry.yaml. Why the lane may not use it from here is added to the
 * problems, and then there is none.
 * @throws ERR_LANE_UNKNOWN, ERR_OPTION_INVALID
 */
export const reachHosting = async (
  options: TargetOptions,
  spec: Pick<SpecFile['spec'], 'deploy'>,
  { root, env, signal, progress }: VerbContext,
  problems: Problem[],
): Promise<{ readonly lane: Lane; readonly locations: ImageLocations; readonly hosting: HostingPlatform | null }> => {
  const lane = resolveLane(options.lane, env);
  const name = hostingOf(options.adapter ?? choice(env, 'PINLANE_ADAPTER', HOSTING_NAMES), spec);
  const locations = openLocations(workspacePaths(root, lane), { insecureRegistries: insecureRegistries(options.insecureRegistry, env), signal, progress });
  const runtime = chosen(options.runtime, env, 'PINLANE_RUNTIME', ['auto', ...RUNTIME_NAMES] as const);
  problems.push(...whyLaneForbids(lane, { hosting: name, ci: isCi(env) }));
  return { lane, locations, hosting: await attempt(problems, () => openHosting(name, { lane, runtime, locations, env })) };
};

/**
 * Decides what a verb is about, from its options, the environment and registry.yaml.
 * @param repin gives the spec with other pins; those of registry.yaml if absent
 * @throws with all problems at once: ERR_LANE_FORBIDS, ERR_IMAGE_UNPINNED, ERR_PIN_LOCAL; ERR_OPTION_INVALID, ERR_LANE_UNKNOWN
 */
export const openTarget = async (options: TargetOptions, context: VerbContext, repin?: Repin): Promise<DeployTarget> => {
  const { root, env, signal, progress } = context;
  const specFile = await readSpec(context);
  const { spec, file } = specFile;
  const problems: Problem[] = [];
  const { lane, locations, hosting } = await reachHosting(options, spec, context, problems);
  const platform = hosting && (await attempt(problems, () => onePlatform(options.platform, hosting.takes)));
  const repinned = repin ? platform && (await attempt(problems, () => repin(specFile, platform))) : spec;
  const pinned = platform && repinned && (await attempt(problems, () => requirePinned(repinned, { file, platforms: [platform], lane })));
  const environment = environmentOf(lane);
  if (problems.length > 0 || !hosting || !platform || !pinned || environment === null) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  const { branch, sha } = environment === 'dev' ? await headNames(root, env) : { branch: undefined, sha: undefined };
  const plan = planDeployment(pinned, { lane, environment, platform, branch: branch ?? sha, user: loginOf(env) });
  return { specFile, lane, hosting, plan, locations, io: { progress, signal } };
};
