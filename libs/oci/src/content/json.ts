import type { z } from 'zod';
import { fail, PinlaneError, type Problem } from '@pinlane/contracts';
import { sha256 } from './sha256.ts';
import { findMisspelt } from './spelling.ts';
import { parseStrictJson } from './strict-json.ts';

/** The largest manifest, index or config that is read, in bytes; registries refuse to take larger ones. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

const PROBLEMS_SHOWN = 10;

/**
 * Decodes bytes as JSON that has one meaning for all readers: see `parseStrictJson`.
 * @throws ERR_MANIFEST_INVALID if there are too many bytes, or they are not such JSON
 */
export const decodeJson = (what: string, bytes: Uint8Array, limit = MANIFEST_LIMIT): unknown =>
  bytes.length > limit
    ? fail('ERR_MANIFEST_INVALID', `${what}: ${bytes.length} bytes are more than the ${limit} that are read`)
    : parseStrictJson(() => `${what} ${sha256(bytes)}`, bytes);

const placeOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? '' : ` ${path.map(String).join('.').slice(0, 200)}:`);

/** Checks a value by a schema. @throws ERR_MANIFEST_INVALID with every problem, up to ten; or with a key that has two faces, see `findMisspelt` */
export const checkShape = <S extends z.ZodType>(what: string, bytes: Uint8Array, value: unknown, schema: S): z.output<S> => {
  const invalid = (path: readonly PropertyKey[], why: string): Problem => ({
    code: 'ERR_MANIFEST_INVALID',
    message: `${what} ${sha256(bytes)}:${placeOf(path)} ${why}`,
  });
  const misspelt = findMisspelt(value, schema);
  if (misspelt) {
    const [key, other] = [misspelt.key, misspelt.for].map((name) => JSON.stringify(name.slice(0, 100)));
    throw new PinlaneError(invalid(misspelt.path, `the key ${key} is ${other} but for case, so that readers differ over what it means`));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, PROBLEMS_SHOWN).map(({ path, message }) => invalid(path, message));
  throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

/** Reads a document from its bytes by a schema. @throws ERR_MANIFEST_INVALID */
export const readDocument = <S extends z.ZodType>(what: string, bytes: Uint8Array, schema: S, limit?: number): z.output<S> =>
  checkShape(what, bytes, decodeJson(what, bytes, limit), schema);
