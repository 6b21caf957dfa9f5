import { fail, looksLikeOption, quoted, REF_MAX_LENGTH, REF_PATTERN, staysBelow } from '@pinlane/contracts';
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';

/** The part of one registry.yaml that inference needs. Verbs read it in full and strictly (`parseSpec`). */
export interface SpecFacts {
  readonly ref: string;
  readonly slug: string;
  /** Relative to the processor's folder. */
  readonly context: string;
  /** Relative to `context`. */
  readonly dockerfile: string;
  /** The names of its secrets, required and optional. */
  readonly secrets: readonly string[];
}

// Verbs refuse larger files, too; parsing them before every Nx command would stall the workspace.
const MAX_BYTES = 1024 * 1024;

type Values = Record<string, unknown>;
const isValues = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

// An alias makes one value stand in many places, and few bytes into more data than memory holds; the strict reading allows none.
const sortedWithoutAliases = (value: unknown, seen = new Set<object>()): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) throw new YAMLException('an alias, where every value is to be written out');
  seen.add(value);
  if (Array.isArray(value)) return value.map((item) => sortedWithoutAliases(item, seen));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortedWithoutAliases(item, seen)]));
};

const lineOf = (text: string, key: string): number | undefined => {
  const at = text.split('\n').findIndex((line) => line.startsWith(`${key}:`));
  return at === -1 ? undefined : at + 1;
};

const parse = (file: string, text: string): unknown => {
  try {
    return sortedWithoutAliases(load(text, { schema: CORE_SCHEMA, filename: file }));
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('ERR_REGISTRY_SYNTAX', 'it is nested too deeply', { file });
    if (!(thrown instanceof YAMLException)) throw thrown;
    const mark = (thrown as { mark?: { line: number; column: number } }).mark;
    return fail('ERR_REGISTRY_SYNTAX', thrown.reason ?? thrown.message, { file, ...(mark ? { line: mark.line + 1, column: mark.column + 1 } : {}) });
  }
};

const relativePath = (file: string, text: string, value: unknown, key: string, fallback: string): string => {
  if (value === undefined || value === null) return fallback;
  const line = lineOf(text, 'build');
  const place = line === undefined ? { file } : { file, line };
  if (typeof value !== 'string' || value === '') return fail('ERR_REGISTRY_INVALID', `build.${key} is not a path`, place);
  if (looksLikeOption(value) || !staysBelow(value))
    return fail('ERR_PATH_ESCAPES', `build.${key}, ${quoted(value)}, is not a path below the processor's folder`, place);
  return value;
};

const secretNames = (secrets: unknown): string[] =>
  isValues(secrets) ? [secrets['required'], secrets['optional']].flat().filter((name) => typeof name === 'string') : [];

/**
 * Reads from registry.yaml what its project's targets need.
 * @param file named in errors, relative to the workspace's root
 * @throws ERR_REGISTRY_SYNTAX, ERR_REGISTRY_TOO_LARGE, ERR_REGISTRY_INVALID, ERR_REF_INVALID, ERR_PATH_ESCAPES
 */
export const readSpecFacts = (file: string, text: string): SpecFacts => {
  if (text.length > MAX_BYTES) return fail('ERR_REGISTRY_TOO_LARGE', `it has ${text.length} characters`, { file });
  const document = parse(file, text);
  if (!isValues(document)) return fail('ERR_REGISTRY_INVALID', 'it is not a mapping of keys to values', { file, line: 1 });

  const { ref, build } = document;
  const line = lineOf(text, 'ref');
  const place = line === undefined ? { file } : { file, line };
  if (ref === undefined) return fail('ERR_REGISTRY_INVALID', 'it has no ref', { file, line: 1 });
  const parts = typeof ref === 'string' && ref.length <= REF_MAX_LENGTH ? REF_PATTERN.exec(ref) : null;
  if (!parts)
    return fail('ERR_REF_INVALID', `${quoted(typeof ref === 'string' ? ref : JSON.stringify(ref))} is not a ref: expected namespace/name@major`, place);
  if (build !== undefined && build !== null && !isValues(build)) return fail('ERR_REGISTRY_INVALID', 'build is not a mapping of keys to values', { file });

  return {
    ref: parts[0],
    slug: `${parts[1]}-${parts[2]}`,
    context: relativePath(file, text, build?.context, 'context', '.'),
    dockerfile: relativePath(file, text, build?.dockerfile, 'dockerfile', 'Dockerfile'),
    secrets: secretNames(document['secrets']),
  };
};
