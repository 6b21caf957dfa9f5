import { mkdir } from 'node:fs/promises';
import { isMissing } from './if-there.ts';

/**
 * Makes a folder and those above it. Node says ENOENT where a folder is in a file system that is read-only; making that folder alone tells the reason.
 * @throws the system's errors
 */
export const makeFolder = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true }).catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await mkdir(path);
  });
};
