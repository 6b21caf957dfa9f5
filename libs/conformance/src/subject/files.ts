import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Every file and folder below a folder, relative to it, sorted; folders end in `/`. Links are listed and not followed. */
export const listTree = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.map((entry) => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`).sort();
};

/** Every file below a folder, relative to it, sorted. */
export const listFiles = async (folder: string): Promise<string[]> => (await listTree(folder)).filter((path) => !path.endsWith('/'));

/** The bytes of a file, or undefined where there is none. */
export const readIfThere = (file: string): Promise<Buffer | undefined> => readFile(file).catch(() => undefined);
