import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
export const exists = (error: unknown): boolean => codeOf(error) === 'EEXIST';

/** The value, or undefined where the file is not there. */
export const ifThere = <T>(value: Promise<T>): Promise<T | undefined> =>
  value.catch((error: unknown) => (isMissing(error) ? undefined : Promise.reject(error)));

/**
 * Runs `write` on a new file with a name that no other process takes, then `place` with its path. Whatever happens the file does not stay under
 * that name; after a crash it does, and is swept by garbage collection.
 */
export const throughTemporary = async <T>(
  folder: string,
  write: (file: FileHandle) => Promise<T>,
  place: (path: string, written: T) => Promise<void>,
): Promise<T> => {
  const path = join(folder, `${process.pid}-${randomBytes(9).toString('base64url')}`);
  const file = await open(path, 'wx').catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await mkdir(folder, { recursive: true });
    return open(path, 'wx');
  });
  try {
    const written = await write(file).finally(() => file.close());
    await place(path, written);
    return written;
  } finally {
    await rm(path, { force: true });
  }
};

/** Renames, making the target's folder where it is not there. */
export const renameInto = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
};

/** Puts a whole new file in place, unless there is one: of several processes exactly one is told `true`. */
export const createWhole = async (folder: string, path: string, text: string): Promise<boolean> => {
  let created = true;
  await throughTemporary(
    folder,
    (file) => file.writeFile(text),
    async (temporary) => {
      await mkdir(dirname(path), { recursive: true });
      // link, unlike rename, never replaces.
      await link(temporary, path).catch((error: unknown) => (exists(error) ? (created = false) : Promise.reject(error)));
    },
  );
  return created;
};
