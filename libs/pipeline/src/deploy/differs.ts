import type { DeployedSettings } from '@pinlane/contracts';
import type { DeploymentPlan, ObservedApp } from './hosting.ts';

/** How an app differs from its plan, and what could not be told. */
export interface DeploymentDifferences {
  /** What needs a new deployment: `image`, `state`, a setting or a secret, each as a line for a person. */
  readonly differs: readonly string[];
  /** Whether only the values of its secrets are newer than what runs: then a rollover is enough. */
  readonly staleSecrets: boolean;
  readonly unknown: readonly string[];
}

const said = (value: unknown): string => (value === undefined || value === null ? 'none' : String(value));

/** Settings that differ; those that the platform does not tell have no say. */
const settingsDiffer = (expected: DeployedSettings, found: DeployedSettings): string[] =>
  (Object.keys(found) as (keyof DeployedSettings)[])
    .filter((name) => found[name] !== undefined && (found[name] ?? null) !== (expected[name] ?? null))
    .map((name) => `${name} is ${said(found[name])}, and registry.yaml says ${said(expected[name])}`);

/** How the secrets of an app differ: which is attached, and whether it has the keys that are required. A secret of optional keys need not be stored. */
const secretsDiffer = (
  { secret, settings }: DeploymentPlan,
  found: readonly { readonly name: string; readonly keys: readonly string[] }[],
  stored: boolean,
): string[] => {
  const attached = found.find(({ name }) => name === secret);
  const others = found.filter(({ name }) => name !== secret).map(({ name }) => name);
  if (secret !== null && attached === undefined && (stored || settings.secrets.required.length > 0)) return [`the secret ${secret} is not attached`];
  const missing = settings.secrets.required.filter((name) => !(attached?.keys ?? []).includes(name));
  return [
    ...(others.length > 0 ? [`attached is also the secret ${others.join(', ')}`] : []),
    ...(missing.length > 0 ? [`the secret ${secret} lacks ${missing.join(', ')}`] : []),
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
  const differs: string[] = [];
  const unknown: string[] = [];
  const look = <T>(
    name: string,
    fact: { readonly known: true; readonly value: T } | { readonly known: false; readonly reason: string },
    judge: (value: T) => string[],
  ): void => {
    if (fact.known) differs.push(...judge(fact.value));
    else unknown.push(`${name}: ${fact.reason}`);
  };
  if (app.state.known && app.state.value === 'absent') return { differs: ['there is no such app yet'], staleSecrets: false, unknown };
  look('state', app.state, (state) => (state === 'running' ? [] : [`it is ${state}`]));
  look('image', app.image, (digest) => (digest === plan.image.digest ? [] : [`the image is ${said(digest)}, and ${plan.image.digest} is to run`]));
  look('settings', app.settings, (settings) => settingsDiffer(plan.expected, settings ?? {}));
  look('secrets', app.secrets, (secrets) =>
    lenient && plan.secret !== null && secrets.some(({ name }) => name === plan.secret) ? [] : secretsDiffer(plan, secrets, stored),
  );
  return { differs, staleSecrets: app.secretsCurrent.known && !app.secretsCurrent.value, unknown };
};
