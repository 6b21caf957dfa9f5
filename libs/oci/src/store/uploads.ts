import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../files/if-there.ts';
import type { StorePaths } from './paths.ts';

/** Removes uploads to which nothing was added after `before`, in ms since the epoch: nobody will finish them. */
export const sweepUploads = async (paths: StorePaths, before: number): Promise<void> => {
  for (const name of (await ifThere(readdir(paths.uploads))) ?? []) {
    const path = join(paths.uploads, name);
    const info = await ifThere(stat(path));
    if (info && info.mtimeMs < before) await rm(path, { force: true });
  }
};
