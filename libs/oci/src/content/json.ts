import type { z } from 'zod';
import { fail, PinlaneError, type Problem } from '@pinlane/contracts';
import { sha256 } from './sha256.ts';

/** The largest manifest, index or config that is read, in bytes; registries refuse to take larger ones. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

const PROBLEMS_SHOWN = 10;

/**
 * Decodes bytes as JSON.
 * @throws ERR_MANIFEST_INVALID if there are too many bytes, or they are not UTF-8 or not JSON
 */
export const decodeJson = (what: string, bytes: Uint8Array, limit = MANIFEST_LIMIT): unknown => {
  if (bytes.length > limit) return fail('ERR_MANIFEST_INVALID', `${what}: ${bytes.length} bytes are more than the ${limit} that are read`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    return fail('ERR_MANIFEST_INVALID', `${what} ${sha256(bytes)}: is not JSON in UTF-8`, { cause });
  }
};

/** Checks a value by a schema. @throws ERR_MANIFEST_INVALID with every problem, up to ten */
export const checkShape = <S extends z.ZodType>(what: string, bytes: Uint8Array, value: unknown, schema: S): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, PROBLEMS_SHOWN).map(({ path, message }): Problem => {
    const place = path.length === 0 ? '' : ` ${path.map(String).join('.').slice(0, 200)}:`;
    return { code: 'ERR_MANIFEST_INVALID', message: `${what} ${sha256(bytes)}:${place} ${message}` };
  });
  throw new PinlaneError(problems as [Problem, ...Problem[]]);
};
