import { fail, LANES, laneRules, parsePlatforms, parseRepository, type Lane, type LaneRules, type Platform, type ProcessorSpec } from '@pinlane/contracts';

type Env = Readonly<Record<string, string | undefined>>;

/** The environment's value; an empty one counts as unset, because workflows hand on inputs that nobody filled in. */
const setting = (env: Env, name: string): string | undefined => env[name]?.trim() || undefined;

/** The lane: the option, else PINLANE_LANE, else `local`. @throws ERR_LANE_UNKNOWN */
export const resolveLane = (option: Lane | undefined, env: Env): Lane => {
  if (option !== undefined) return option;
  const named = setting(env, 'PINLANE_LANE');
  if (named === undefined) return 'local';
  return LANES.find((lane) => lane === named) ?? fail('ERR_LANE_UNKNOWN', `PINLANE_LANE is ${JSON.stringify(named.slice(0, 100))}`);
};

const flag = (env: Env, name: string): boolean | undefined => {
  const text = setting(env, name)?.toLowerCase();
  if (text === undefined) return undefined;
  if (['1', 'true', 'yes'].includes(text)) return true;
  if (['0', 'false', 'no'].includes(text)) return false;
  return fail('ERR_OPTION_INVALID', `${name} is ${JSON.stringify(text.slice(0, 100))}; it takes true or false`);
};

const choice = <T extends string>(env: Env, name: string, known: readonly T[]): T | undefined => {
  const text = setting(env, name);
  if (text === undefined) return undefined;
  return known.find((each) => each === text) ?? fail('ERR_OPTION_INVALID', `${name} is ${JSON.stringify(text.slice(0, 100))}; it takes ${known.join(', ')}`);
};

/** The value of an option that takes one of some words, else that of its variable, else `auto`. @throws ERR_OPTION_INVALID */
export const chosen = <T extends string>(option: T | undefined, env: Env, name: string, known: readonly T[]): T | 'auto' =>
  option ?? choice(env, name, known) ?? 'auto';

// A host with a port or without: nothing of a path, of a scheme or of credentials.
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[A-Fa-f0-9:]+\])(?::[0-9]{1,5})?$/;

/**
 * The registries on other machines that are spoken to by plain HTTP: hosts as references name them, from the option (commas between, or
 * repeated), else from PINLANE_INSECURE_REGISTRY. @throws ERR_OPTION_INVALID
 */
export const insecureRegistries = (option: readonly string[] | undefined, env: Env): ReadonlySet<string> => {
  const given = option ?? [setting(env, 'PINLANE_INSECURE_REGISTRY') ?? ''];
  const hosts = given.flatMap((text) => text.split(',').map((host) => host.trim())).filter((host) => host !== '');
  const wrong = hosts.find((host) => !HOST.test(host));
  if (wrong !== undefined) fail('ERR_OPTION_INVALID', `--insecureRegistry: ${JSON.stringify(wrong.slice(0, 100))} is not a host such as registry.example:5000`);
  return new Set(hosts);
};

/** What the options and the environment ask of a build, together. */
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

/** @throws ERR_OPTION_INVALID where no repository could begin so */
const requirePrefix = (registry: string, name: string): void => {
  try {
    parseRepository(`${registry}/name`);
  } catch (cause) {
    fail('ERR_OPTION_INVALID', `${name} is ${JSON.stringify(registry.slice(0, 200))}, which is no place in a registry`, {
      cause,
      fix: 'Write its host and a path in lower case, without a scheme, as in ghcr.io/acme.',
    });
  }
};

/** See {@link BuildSettings}; an option wins over its variable. @throws ERR_LANE_UNKNOWN, ERR_OPTION_INVALID, ERR_PLATFORM_INVALID */
export const resolveSettings = (options: BuildOptions, env: Env): BuildSettings => {
  const lane = resolveLane(options.lane, env);
  const rules = laneRules(lane);
  const platforms = options.platforms ?? setting(env, 'PINLANE_PLATFORMS');
  const registry = (options.registry ?? setting(env, 'PINLANE_REGISTRY'))?.replace(/\/+$/, '');
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

/** @throws ERR_LANE_FORBIDS where the lane does not build */
export const requireMayBuild = (lane: Lane): void => {
  if (laneRules(lane).builds.length === 0) fail('ERR_LANE_FORBIDS', `lane ${lane} builds nothing: it uses the images that are pinned`);
};

/** @throws ERR_LANE_FORBIDS where the lane does not push */
export const requireMayPush = (lane: Lane): void => {
  if (!laneRules(lane).mayPush) fail('ERR_LANE_FORBIDS', `lane ${lane} pushes nothing`);
};

/** @throws ERR_LANE_FORBIDS where the lane does not write pins */
export const requireMayPin = (lane: Lane): void => {
  if (laneRules(lane).writesPins === 'no') fail('ERR_LANE_FORBIDS', `lane ${lane} writes no pins`);
};

/**
 * A lane without secrets fails when one is set that any processor of the workspace knows, in any lane's form, because then it proves nothing of a run
 * without: what is built runs in that environment, whosesoever the secret is.
 * @throws ERR_LANE_SECRET_SET with every name
 */
export const requireSecretsUnset = async (
  lane: Lane,
  { secrets }: Pick<ProcessorSpec, 'secrets'>,
  { root, env }: { readonly root: string; readonly env: Env },
): Promise<void> => {
  if (laneRules(lane).secrets !== 'unset') return;
  // Loaded only now: few lanes need it.
  const { secretsOfWorkspace } = await import('./known-secrets.ts');
  const suffixes = LANES.map((each) => laneRules(each).secrets).filter((rule) => rule.startsWith('_'));
  const known = new Set([...secrets.required, ...secrets.optional, ...secretsOfWorkspace(root)]);
  const set = [...known].flatMap((name) => ['', ...suffixes].map((suffix) => `${name}${suffix}`)).filter((name) => (env[name] ?? '') !== '');
  if (set.length > 0) fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and set ${set.length === 1 ? 'is' : 'are'} ${set.join(', ')}`);
};
