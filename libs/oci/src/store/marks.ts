import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { blobSize } from './blobs.ts';
import { digestOfFile } from './digests.ts';
import { ifThere, isMissing } from '../files/if-there.ts';
import type { StorePaths } from './paths.ts';

const removeIfEmpty = (folder: string): Promise<unknown> =>
  rmdir(folder).catch((error: NodeJS.ErrnoException) => (isMissing(error) || error.code === 'ENOTEMPTY' ? undefined : Promise.reject(error)));

/**
 * Removes marks, in folders of empty files named by digests, that are about content which is gone. One younger than `before` (ms since the
 * epoch) stays, because its content may be on its way.
 */
export const sweepMarks = async (paths: StorePaths, folder: string, before: number): Promise<void> => {
  for (const each of (await ifThere(readdir(folder))) ?? []) {
    for (const name of (await ifThere(readdir(join(folder, each)))) ?? []) {
      const digest = digestOfFile(name);
      const mark = join(folder, each, name);
      if (digest === undefined || (await blobSize(paths, digest)) !== undefined) continue;
      if (((await ifThere(stat(mark)))?.mtimeMs ?? Infinity) < before) await rm(mark, { force: true });
    }
    await removeIfEmpty(join(folder, each));
  }
};
