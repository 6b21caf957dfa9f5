import { RUNTIME_NAMES, HOSTING_NAMES, LANES, asPinlaneError, type DoctorSetting, type HostingName, type Lane, type RuntimeName } from '@pinlane/contracts';
import { ENVIRONMENT, valueOf, type VariableName } from '../../command/environment.ts';
import type { NxJson } from '../../workspace/nx-json.ts';
import { insecureRegistries, resolveSettings } from '../../workspace/settings.ts';
import type { Check } from './check.ts';
import type { DoctorOptions } from './options.ts';

type Env = Readonly<Record<string, string | undefined>>;

const ENGINES = ['auto', 'embedded', 'docker'] as const;

/** The settings that decide what is looked at, as far as they are good; each that is not is a line, and counts as not set. */
export interface Settings {
  readonly lane: Lane;
  readonly engine: (typeof ENGINES)[number];
  readonly registry: string | undefined;
  readonly runtime: 'auto' | RuntimeName;
  readonly adapter: HostingName | undefined;
  readonly insecure: ReadonlySet<string>;
  readonly told: readonly DoctorSetting[];
  readonly faults: readonly Check[];
}

interface Given {
  readonly value: unknown;
  readonly from: string;
}

const BUILDS = ['@pinlane/nx:buildx', 'buildx'];

/** An option of builds that nx.json gives to all of them. */
const defaultOf = ({ targetDefaults = {} }: NxJson, name: string): Given | undefined =>
  BUILDS.flatMap((target) => {
    const value = targetDefaults[target]?.options?.[name];
    return value === undefined ? [] : [{ value, from: `nx.json, targetDefaults.${target}` }];
  })[0];

/** The first that is given: the option, the variable, the place in nx.json. */
const given = (option: unknown, env: Env, variable: VariableName, nxJson?: NxJson): Given | undefined => {
  const { option: name } = ENVIRONMENT[variable];
  if (option !== undefined) return { value: option, from: `--${name}` };
  const value = valueOf(env, variable);
  if (value !== undefined) return { value, from: variable };
  return nxJson && name !== null ? defaultOf(nxJson, name) : undefined;
};

/** A setting whose value is none that is taken. The value is not told: nobody knows what it is. */
const faulty = ({ from }: Given, takes: string): Check => ({
  ...{ group: 'workspace', name: from, needed: 'nothing runs as long as it is set so', without: '' },
  look: () => ({ state: 'missing', message: 'it has a value that is not taken', fix: `Set it to ${takes}, or unset it.` }),
});

/** Reads every setting by itself, so that one that is wrong hides no other. */
export const readSettings = (options: DoctorOptions, env: Env, nxJson: NxJson): Settings => {
  const told: DoctorSetting[] = [];
  const faults: Check[] = [];
  const take = <T>(name: string, found: Given | undefined, takes: string, parse: (value: unknown) => T | undefined): T | undefined => {
    if (found === undefined) return undefined;
    const value = ((): T | undefined => {
      try {
        return parse(found.value);
      } catch (thrown) {
        return void asPinlaneError(thrown);
      }
    })();
    told.push({ name, value: value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value), from: found.from });
    if (value === undefined) faults.push(faulty(found, takes));
    return value;
  };
  const word = <T extends string>(name: string, found: Given | undefined, words: readonly T[]): T | undefined =>
    take(name, found, words.join(', '), (value) => words.find((each) => each === value));

  const lane = word('lane', given(options.lane, env, 'PINLANE_LANE'), LANES) ?? 'local';
  const engine = word('engine', given(options.engine, env, 'PINLANE_ENGINE', nxJson), ENGINES) ?? 'auto';
  const registry = take('registry', given(options.registry, env, 'PINLANE_REGISTRY', nxJson), 'a host and a path in lower case, as in ghcr.io/acme', (value) =>
    typeof value === 'string' ? resolveSettings({ registry: value }, {}).registry : undefined,
  );
  const insecure = take('insecureRegistry', given(options.insecureRegistry, env, 'PINLANE_INSECURE_REGISTRY', nxJson), 'hosts with commas between', (value) => [
    ...insecureRegistries([value].flat().map(String), {}),
  ]);
  const runtime = word('runtime', given(options.runtime, env, 'PINLANE_RUNTIME'), ['auto', ...RUNTIME_NAMES] as const) ?? 'auto';
  const adapter = word('adapter', given(options.adapter, env, 'PINLANE_ADAPTER'), HOSTING_NAMES);
  for (const entry of nxJson.plugins ?? []) {
    if (typeof entry !== 'object' || entry.plugin !== '@pinlane/nx') continue;
    const from = 'nx.json, plugins';
    if (entry.options?.folders !== undefined) told.push({ name: 'folders', value: JSON.stringify(entry.options.folders), from });
    if (entry.options?.workspaceProject !== undefined) told.push({ name: 'workspaceProject', value: String(entry.options.workspaceProject), from });
  }
  return { lane, engine, registry, runtime, adapter, insecure: new Set(insecure), told, faults };
};

const PROXIES = /^(?:https?|all|no|ftp)_proxy$/i;

/** The names of variables that are set: for proxies, and of Pinlane's, Modal's, Docker's and Node's own. Never a value. */
export const namesOfVariables = (env: Env): { readonly proxies: string[]; readonly variables: string[] } => {
  const names = Object.keys(env)
    .filter((name) => env[name] !== undefined && env[name] !== '')
    .sort();
  const own = /^(?:PINLANE|MODAL|DOCKER|BUILDX|BUILDKIT|NODE|NX|npm_config|GITHUB_ACTIONS$|CI$)(?:_[A-Za-z0-9_]+)?$/;
  return { proxies: names.filter((name) => PROXIES.test(name)), variables: names.filter((name) => own.test(name)) };
};
