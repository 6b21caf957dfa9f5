import { fail, laneRules, parsePlatforms, parseRepository, quoted, registryHostFault, type Lane, type LaneRules, type Platform } from '@pinlane/contracts';
import { requireLane } from '@pinlane/pipeline';
import { valueOf, type VariableName } from '../command/environment.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The lane: the option, else PINLANE_LANE, else `local`. @throws ERR_LANE_UNKNOWN */
export const resolveLane = (option: Lane | undefined, env: Env): Lane => requireLane(option, env['PINLANE_LANE']);

/** A variable that takes yes or no. @throws ERR_OPTION_INVALID */
const flag = (env: Env, name: VariableName): boolean | undefined => {
  const text = valueOf(env, name)?.toLowerCase();
  if (text === undefined) return undefined;
  if (['1', 'true', 'yes'].includes(text)) return true;
  if (['0', 'false', 'no'].includes(text)) return false;
  return fail('ERR_OPTION_INVALID', `${name} is ${quoted(text)}; it takes true or false`);
};

/** A variable that takes one of some words; undefined if it is unset. @throws ERR_OPTION_INVALID */
export const choice = <T extends string>(env: Env, name: VariableName, known: readonly T[]): T | undefined => {
  const text = valueOf(env, name);
  if (text === undefined) return undefined;
  return known.find((each) => each === text) ?? fail('ERR_OPTION_INVALID', `${name} is ${quoted(text)}; it takes ${known.join(', ')}`);
};

/** The value of an option that takes one of some words, else that of its variable, else `auto`. @throws ERR_OPTION_INVALID */
export const chosen = <T extends string>(option: T | undefined, env: Env, name: VariableName, known: readonly T[]): T | 'auto' =>
  option ?? choice(env, name, known) ?? 'auto';

/**
 * The registries on other machines that are spoken to by plain HTTP: hosts as references name them, from the option (commas between, or
 * repeated), else from PINLANE_INSECURE_REGISTRY. @throws ERR_OPTION_INVALID
 */
export const insecureRegistries = (option: readonly string[] | undefined, env: Env): ReadonlySet<string> => {
  const given = option ?? [valueOf(env, 'PINLANE_INSECURE_REGISTRY') ?? ''];
  const hosts = given.flatMap((text) => text.split(',').map((host) => host.trim())).filter((host) => host !== '');
  const wrong = hosts.find((host) => registryHostFault(host) !== null);
  if (wrong !== undefined) fail('ERR_OPTION_INVALID', `--insecureRegistry: ${quoted(wrong)} is not a host such as registry.example:5000`);
  return new Set(hosts);
};

/** The settings of a build, from its options and the environment. */
export interface BuildSettings {
  readonly lane: Lane;
  readonly rules: LaneRules;
  readonly engine: 'auto' | 'embedded' | 'docker';
  /** Those asked for, else all that the lane builds; empty in a lane that builds none. */
  readonly platforms: readonly Platform[];
  readonly push: boolean;
  /** A registry with a path prefix, in place of the one in registry.yaml. */
  readonly registry: string | undefined;
  readonly insecureRegistries: ReadonlySet<string>;
}

/** Options of the verbs that build, as they were given. */
export interface BuildOptions {
  readonly lane?: Lane | undefined;
  readonly engine?: 'auto' | 'embedded' | 'docker' | undefined;
  readonly platforms?: string | undefined;
  readonly push?: boolean | undefined;
  readonly registry?: string | undefined;
  readonly insecureRegistry?: readonly string[] | undefined;
}

/** @throws ERR_OPTION_INVALID if no repository could begin so */
const requirePrefix = (registry: string, name: string): void => {
  try {
    parseRepository(`${registry}/name`);
  } catch (cause) {
    fail('ERR_OPTION_INVALID', `${name} is ${quoted(registry, 200)}, which is no place in a registry`, {
      cause,
      fix: 'Write its host and a path in lower case, without a scheme, as in ghcr.io/acme.',
    });
  }
};

/** See {@link BuildSettings}; an option wins over its variable. @throws ERR_LANE_UNKNOWN, ERR_OPTION_INVALID, ERR_PLATFORM_INVALID */
export const resolveSettings = (options: BuildOptions, env: Env): BuildSettings => {
  const lane = resolveLane(options.lane, env);
  const rules = laneRules(lane);
  const platforms = options.platforms ?? valueOf(env, 'PINLANE_PLATFORMS');
  const registry = (options.registry ?? valueOf(env, 'PINLANE_REGISTRY'))?.replace(/\/+$/, '');
  if (registry !== undefined) requirePrefix(registry, options.registry === undefined ? 'PINLANE_REGISTRY' : '--registry');
  return {
    lane,
    rules,
    engine: chosen(options.engine, env, 'PINLANE_ENGINE', ['auto', 'embedded', 'docker'] as const),
    platforms: platforms === undefined ? rules.builds : parsePlatforms(platforms),
    push: options.push ?? flag(env, 'PINLANE_PUSH') ?? false,
    registry,
    insecureRegistries: insecureRegistries(options.insecureRegistry, env),
  };
};
