import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Every file and folder below a folder, relative to it and sorted; the name of a folder ends in `/`. Links are listed and not followed. */
export const listTree = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.map((entry) => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`).sort();
};

/** Every file below a folder, relative to it and sorted. */
export const listFiles = async (folder: string): Promise<string[]> => (await listTree(folder)).filter((path) => !path.endsWith('/'));

/** The bytes of a file; undefined if there is no such file, or none that can be read. */
export const readIfThere = (file: string): Promise<Buffer | undefined> => readFile(file).catch(() => undefined);

/** The sha256 of some bytes, as 64 hexadecimal digits. */
export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
