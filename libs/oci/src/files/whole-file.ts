import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { aboutFile } from './about-file.ts';
import { isMissing, isTaken } from './if-there.ts';
import { makeFolder } from './make-folder.ts';

const TEMPORARY = /^\.pinlane-\d+-[\w-]+\.tmp$/;

/** Whether a file has the name of one that was to be replaced into place, and that a killed process left. */
export const isLeftTemporary = (name: string): boolean => TEMPORARY.test(name);

/** A name that no other process has, and that {@link isLeftTemporary} knows. */
export const temporaryName = (): string => `.pinlane-${process.pid}-${randomBytes(9).toString('base64url')}.tmp`;

/**
 * Lets `write` fill a new file whose name no other process has, and then calls `place` with its path, which moves it or removes it. The file is never left
 * under that name, except by a crash.
 */
export const throughTemporary = async <T>(
  folder: string,
  write: (file: FileHandle) => Promise<T>,
  place: (path: string, written: T) => Promise<void>,
): Promise<T> => {
  const path = join(folder, temporaryName());
  const file = await open(path, 'wx').catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await makeFolder(folder);
    return open(path, 'wx');
  });
  try {
    const written = await aboutFile(path, () => write(file).finally(() => file.close()));
    await place(path, written);
    return written;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
};

/** Renames a file, and makes the folder of its new name if there is none. */
export const renameInto = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeFolder(dirname(to));
    await rename(from, to);
  }
};

/**
 * Creates a file with all of its text at once, and never replaces one: of several processes that try, exactly one is told `true`. Nothing is synced, so it
 * is for files that mean nothing after a crash of the machine, or can be checked.
 */
export const createWhole = async (folder: string, path: string, text: string): Promise<boolean> => {
  let created = true;
  await throughTemporary(
    folder,
    (file) => file.writeFile(text),
    async (temporary) => {
      await makeFolder(dirname(path));
      // link, unlike rename, never replaces.
      await link(temporary, path).catch((error: unknown) => (isTaken(error) ? (created = false) : Promise.reject(error)));
      await rm(temporary, { force: true });
    },
  );
  return created;
};
