import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, type ErrorCode } from '@pinlane/contracts';
import { definitionDigest, parseDefinition, type BaseDefinition } from './lock/definition.ts';
import { parseLock, type BaseLock } from './lock/lock.ts';

const read = async (file: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** A text, byte for byte: one that is not UTF-8 could not be written back, and a pin writes base.yaml after it has pushed. */
const need = async (file: string, code: ErrorCode): Promise<string> => {
  const bytes = (await read(file)) ?? fail(code, 'is not there', { file });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    return fail(code, 'is not UTF-8', { file, fix: 'Save it as UTF-8.', cause });
  }
};

/** Parses a text, and again only if the file has another one: the tasks of a run ask for the same base. The values of both are only read. */
const parsedOnce = <T>(parse: (text: string, file: string) => T): ((text: string, file: string) => T) => {
  const last = new Map<string, { readonly text: string; readonly value: T }>();
  return (text, file) => {
    const known = last.get(file);
    if (known?.text === text) return known.value;
    const value = parse(text, file);
    last.set(file, { text, value });
    return value;
  };
};

const definitionIn = parsedOnce(parseDefinition);
const lockIn = parsedOnce(parseLock);

export const lockFileOf = (baseDir: string): string => join(baseDir, 'base.lock.json');

/** The definition of a base. @throws ERR_BASE_DEFINITION_INVALID */
export const readDefinition = async (baseDir: string): Promise<BaseDefinition> => {
  const file = join(baseDir, 'base.yaml');
  return definitionIn(await need(file, 'ERR_BASE_DEFINITION_INVALID'), file);
};

/** The lock, if there is one that can be read; an update replaces one that cannot. */
export const readLockIfGood = async (baseDir: string): Promise<BaseLock | null> => {
  const bytes = await read(lockFileOf(baseDir));
  try {
    return bytes === undefined ? null : parseLock(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
};

/** The lock of a definition. @throws ERR_BASE_LOCK_INVALID, also if the definition was edited since the lock was made */
export const readLock = async (baseDir: string, definition: BaseDefinition): Promise<BaseLock> => {
  const file = lockFileOf(baseDir);
  const lock = lockIn(await need(file, 'ERR_BASE_LOCK_INVALID'), file);
  if (lock.definition !== definitionDigest(definition))
    fail('ERR_BASE_LOCK_INVALID', 'does not fit base.yaml, which was edited since the lock was made', { file });
  return lock;
};
