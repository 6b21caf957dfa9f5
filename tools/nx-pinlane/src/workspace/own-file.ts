import { rm } from 'node:fs/promises';
import { lstatIfThere, readSmallFile, replaceAtOnce, type ReplaceOptions } from '@pinlane/oci';
import type { z } from 'zod';

/** The largest record that is read, in bytes: those of images with a hundred bases are far smaller. */
const LIMIT = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

const parsed = <T>(bytes: Uint8Array, schema: z.ZodType<T>): T | string => {
  try {
    const { success, data } = schema.safeParse(JSON.parse(utf8.decode(bytes)));
    return success ? data : 'it does not say what this version of Pinlane writes there';
  } catch {
    return 'it is not JSON';
  }
};

/**
 * Reads a file that Pinlane keeps for itself; null if there is none. One that is broken, whoever broke it, counts as none, and `note` tells of it: only
 * work is lost. A link, a pipe, a folder and what is larger than 1 MiB are broken, too.
 * @param loss what follows from it, for the note
 * @throws the system's errors, if a file is there that can't be read
 */
export const readOwnFile = <T extends object>(path: string, schema: z.ZodType<T>, loss: string, note: (line: string) => void): T | null => {
  const ignore = (why: string): null => (note(`WARNING ${path} is ignored, because ${why}: ${loss}`), null);
  // Most are asked for where there is none, and an error takes many times as long as this look.
  if (lstatIfThere(path) === undefined) return null;
  try {
    const file = readSmallFile(path, LIMIT, { links: false });
    if (file.kind === 'special') return ignore('it is no plain file');
    if (file.kind === 'large') return ignore(`it has ${file.size} bytes, and at most ${LIMIT} are read`);
    const value = parsed(file.bytes, schema);
    return typeof value === 'string' ? ignore(value) : value;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
};

/** Replaces such a file in one step, be there a folder or a link to nowhere at its path. After a power cut it may be broken, which its reader finds. */
export const replaceOwnFile = async (path: string, text: string, options: ReplaceOptions = {}): Promise<void> => {
  try {
    replaceAtOnce(path, text, options);
  } catch (thrown) {
    if (!['EISDIR', 'ENOTEMPTY', 'EEXIST', 'ELOOP'].includes(String((thrown as NodeJS.ErrnoException).code))) throw thrown;
    await rm(path, { recursive: true, force: true });
    replaceAtOnce(path, text, options);
  }
};

/** Writes a document into such a file. */
export const writeOwnFile = (path: string, value: object, temporaryFolder: string): Promise<void> =>
  replaceOwnFile(path, `${JSON.stringify(value, null, 2)}\n`, { temporaryFolder });
