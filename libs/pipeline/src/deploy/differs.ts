import type { DeployedSettings, DriftDifference, DriftUnknown, Known, NamedSecret } from '@pinlane/contracts';
import type { DeploymentPlan, ObservedApp } from './hosting.ts';

/** How an app differs from its plan, and what could not be told. */
export interface DeploymentDifferences {
  /** What needs a new deployment: the state, the image, a setting or a secret. */
  readonly differs: readonly DriftDifference[];
  /** Whether only the values of its secrets are newer than what runs: then a rollover is enough. */
  readonly staleSecrets: boolean;
  readonly unknown: readonly DriftUnknown[];
}

const text = (value: unknown): string | null => (value === undefined || value === null ? null : String(value));

/** Memory in whole MiB, in which platforms count it. */
export const mebibytes = (gibibytes: number): number => Math.max(1, Math.round(gibibytes * 1024));

/** The same amount of a processor: platforms count in thousandths, and cut what is finer. */
const isSameCpu = (one: number, other: number): boolean => Math.abs(one - other) < 0.0011;

/** The name of a GPU as platforms write it: in capitals, and one of them without its number. */
const gpuName = (text: string): string => text.toUpperCase().replace(/:1(?=,|$)/g, '');

/** Where Modal's client lets requests enter if it is told nothing: no choice of anybody, or of somebody who chose the same. */
const DEFAULT_REGION = 'us-east';

/** Whether two values are one to a platform, which counts in units of its own: else such a setting would differ for ever, however often it is deployed. */
const isSame = (name: keyof DeployedSettings, one: unknown, other: unknown): boolean => {
  if (name === 'region') return (one ?? DEFAULT_REGION) === (other ?? DEFAULT_REGION);
  if (name === 'cpu' && typeof one === 'number' && typeof other === 'number') return isSameCpu(one, other);
  if (name === 'memoryGb' && typeof one === 'number' && typeof other === 'number') return mebibytes(one) === mebibytes(other);
  if (name === 'gpu' && typeof one === 'string' && typeof other === 'string') return gpuName(one) === gpuName(other);
  return (one ?? null) === (other ?? null);
};

/** Settings that differ; those that the platform does not tell have no say. */
const settingsDiffer = (expected: DeployedSettings, found: DeployedSettings): DriftDifference[] =>
  (Object.keys(found) as (keyof DeployedSettings)[])
    .filter((name) => found[name] !== undefined && !isSame(name, found[name], expected[name]))
    .map((name) => ({ what: 'setting', name, expected: text(expected[name]), found: text(found[name]) }));

/** How a key of a secret is named where it is expected, or found. */
export const keyText = (key: string): string => `the key ${key}`;
const ATTACHED = 'attached';

/** How the secrets of an app differ: which is attached, and whether it has the keys that are required. A secret of optional keys need not be stored. */
const secretsDiffer = ({ secret, settings }: DeploymentPlan, found: readonly NamedSecret[], stored: boolean): DriftDifference[] => {
  const attached = found.find(({ name }) => name === secret);
  if (secret !== null && attached === undefined && (stored || settings.secrets.required.length > 0))
    return [{ what: 'secret', name: secret, expected: ATTACHED, found: null }];
  const others = found.filter(({ name }) => name !== secret);
  const missing = settings.secrets.required.filter((key) => !(attached?.keys ?? []).includes(key));
  return [
    ...others.map(({ name }): DriftDifference => ({ what: 'secret', name, expected: null, found: ATTACHED })),
    ...missing.map((key): DriftDifference => ({ what: 'secret', name: secret, expected: keyText(key), found: null })),
  ];
};

/**
 * Compares a plan with what a platform tells of its app. A deployment is idempotent by this, and drift is found by it: both ask the same question.
 * @param lenient whether keys of secrets may lack, as where the platform was not held to have them
 * @param stored whether the platform has the plan's secret, which is asked for only if it is not attached and every key of it is optional
 */
export const deploymentDiffers = (
  plan: DeploymentPlan,
  app: ObservedApp,
  { lenient = false, stored = false }: { readonly lenient?: boolean; readonly stored?: boolean } = {},
): DeploymentDifferences => {
  const differs: DriftDifference[] = [];
  const unknown: DriftUnknown[] = [];
  const look = <T>(what: string, fact: Known<T>, judge: (value: T) => DriftDifference[]): void => {
    if (fact.known) differs.push(...judge(fact.value));
    else unknown.push({ what, reason: fact.reason });
  };
  const one = (what: 'state' | 'image', expected: string, found: string | null): DriftDifference[] =>
    found === expected ? [] : [{ what, name: null, expected, found }];
  if (app.state.known && app.state.value === 'absent') return { differs: one('state', 'running', 'absent'), staleSecrets: false, unknown };
  look('state', app.state, (state) => one('state', 'running', state));
  look('image', app.image, (digest) => one('image', plan.image.digest, digest));
  look('settings', app.settings, (settings) => settingsDiffer(plan.expected, settings ?? {}));
  look('secrets', app.secrets, (secrets) =>
    lenient && plan.secret !== null && secrets.some(({ name }) => name === plan.secret) ? [] : secretsDiffer(plan, secrets, stored),
  );
  return { differs, staleSecrets: app.secretsCurrent.known && !app.secretsCurrent.value, unknown };
};

/** A difference as a line for a person. */
export const differenceLine = ({ what, name, expected, found }: DriftDifference): string => {
  const [wanted, seen] = [expected ?? 'none', found ?? 'none'];
  switch (what) {
    case 'state':
      return found === 'absent' ? 'there is no such app yet' : `it is ${seen}`;
    case 'image':
      return expected === null ? `the image is ${seen}, and nothing is pinned` : `the image is ${seen}, and ${wanted} is to run`;
    case 'setting':
      return `${name} is ${seen}, and registry.yaml says ${wanted}`;
    case 'secret':
      if (expected === ATTACHED) return `the secret ${name} is not attached`;
      if (found === ATTACHED) return `attached is also the secret ${name}`;
      return expected === null ? `the secret ${name} has ${seen}, which registry.yaml does not name` : `the secret ${name} lacks ${wanted}`;
    case 'serving':
      return `/healthz answers with ${seen}, and ${wanted} is pinned`;
    case 'name':
      return `the published name leads to another image than ${wanted}`;
    case 'environment':
      return `it runs in environment ${seen}, and belongs into ${wanted}`;
  }
};
