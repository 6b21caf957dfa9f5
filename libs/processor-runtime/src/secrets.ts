import { ProcessorError } from './errors.ts';
import type { RuntimeSpec } from './spec.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The declared secrets of one process. Nothing else of its environment is read. */
export interface Secrets {
  /** The values, which must never be shown. */
  readonly values: readonly string[];
  /** Required names that are unset or blank. */
  readonly missing: readonly string[];
  /** Optional names that are set. */
  readonly optionalSet: readonly string[];
  /** The value of a secret. @throws ERR_MISSING_SECRET if it is unset, ERR_RUNTIME if registry.yaml does not declare it */
  get(name: string): string;
  /** The value of a secret; undefined if it is unset. @throws ERR_RUNTIME if registry.yaml does not declare it */
  find(name: string): string | undefined;
}

/** Reads the secrets that a spec declares. A blank value counts as unset, because CI systems pass a missing secret as one. */
export const readSecrets = (spec: RuntimeSpec, env: Environment): Secrets => {
  const declared = new Set([...spec.secrets.required, ...spec.secrets.optional]);
  const valueOf = (name: string): string | undefined => (env[name]?.trim() ? env[name] : undefined);
  const isSet = (name: string): boolean => valueOf(name) !== undefined;
  const find = (name: string): string | undefined => {
    if (!declared.has(name)) throw new ProcessorError('ERR_RUNTIME', `registry.yaml declares no secret ${name}`);
    return valueOf(name);
  };
  return {
    values: [...declared].flatMap((name) => valueOf(name) ?? []),
    missing: spec.secrets.required.filter((name) => !isSet(name)),
    optionalSet: spec.secrets.optional.filter(isSet),
    find,
    get: (name) => {
      const value = find(name);
      if (value === undefined) throw new ProcessorError('ERR_MISSING_SECRET', `the secret ${name} is not set`);
      return value;
    },
  };
};
