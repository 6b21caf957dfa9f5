import { fail, laneRules, type Known, type Lane, type ProcessorSpec, type SecretsReport } from '@pinlane/contracts';
import type { StoredSecret } from './hosting.ts';

/** A key that a processor declares, and what the environment gives for it. */
export interface SecretKey {
  readonly name: string;
  readonly required: boolean;
  /** The variable that its value is taken from: its name with the suffix of the lane. */
  readonly variable: string;
  /** Undefined if the variable is unset or empty. */
  readonly value: string | undefined;
}

/**
 * The keys that a processor declares, each with its value from the environment: `<NAME>` in lane local, `<NAME>` with the suffix of the lane elsewhere. The
 * value of a developer's own variable never reaches staging or main.
 * @throws ERR_LANE_FORBIDS in a lane that has no secrets
 */
export const secretKeysOf = ({ secrets }: Pick<ProcessorSpec, 'secrets'>, lane: Lane, env: Readonly<Record<string, string | undefined>>): SecretKey[] => {
  const rule = laneRules(lane).secrets;
  if (rule === 'unset') return fail('ERR_LANE_FORBIDS', `lane ${lane} has no secrets`);
  const suffix = rule === 'own' ? '' : rule;
  const keyOf = (required: boolean) => (name: string) => ({ name, required, variable: `${name}${suffix}`, value: env[`${name}${suffix}`] || undefined });
  return [...secrets.required.map(keyOf(true)), ...secrets.optional.map(keyOf(false))];
};

/** The values that are to be stored. */
export const valuesOf = (keys: readonly SecretKey[]): Map<string, string> =>
  new Map(keys.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])));

type ReportedKey = SecretsReport['keys'][number];
type Outcome = ReportedKey['outcome'];

const reported = (keys: readonly SecretKey[], outcomeOf: (key: SecretKey) => Outcome): ReportedKey[] =>
  keys.map((key) => ({ name: key.name, required: key.required, variable: key.variable, outcome: outcomeOf(key) }));

/** What of the keys is there already, of which nothing is written. */
export const whatIsStored = (keys: readonly SecretKey[], stored: Known<StoredSecret | null>, changed: Known<readonly string[]>): ReportedKey[] =>
  reported(keys, ({ name, required, value }) => {
    if (!stored.known) return 'unknown';
    if (!stored.value?.keys.some((key) => key.name === name)) return required ? 'missing' : 'absent';
    return value !== undefined && changed.known && !changed.value.includes(name) ? 'unchanged' : 'stored';
  });

/** What a write makes of the keys: those that change are set, and an optional one that is not given is gone. */
export const whatIsWritten = (keys: readonly SecretKey[], stored: Known<StoredSecret | null>, changed: Known<readonly string[]>): ReportedKey[] => {
  const before = new Set(stored.known ? (stored.value?.keys ?? []).map(({ name }) => name) : []);
  return reported(keys, ({ name, required, value }) => {
    if (value === undefined) return required ? 'missing' : 'absent';
    return before.has(name) && changed.known && !changed.value.includes(name) ? 'unchanged' : 'set';
  });
};

/** Whether what is stored is what is given, so that nothing has to be written: the same keys, none more, and none changed. */
export const isStored = (keys: readonly SecretKey[], stored: Known<StoredSecret | null>, changed: Known<readonly string[]>): boolean => {
  if (!stored.known || !changed.known || changed.value.length > 0) return false;
  const names = (all: Iterable<string>): string => JSON.stringify([...all].sort());
  return names((stored.value?.keys ?? []).map(({ name }) => name)) === names(valuesOf(keys).keys());
};

/** The verdict on some keys: one that could not be told outweighs one that is missing. */
export const secretsVerdict = (keys: readonly ReportedKey[]): SecretsReport['verdict'] => {
  if (keys.some(({ outcome }) => outcome === 'unknown')) return 'unknown';
  return keys.some(({ outcome }) => outcome === 'missing') ? 'missing' : 'good';
};
