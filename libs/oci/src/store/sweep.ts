import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere, isMissing } from '../files/if-there.ts';
import { blobSize } from './blobs.ts';
import { digestOfFile } from './digests.ts';
import type { StorePaths } from './paths.ts';

/** Removes what is in a folder and was last changed before `before`, in ms since the epoch. */
const sweepFolder = async (folder: string, before: number): Promise<void> => {
  for (const name of (await ifThere(readdir(folder))) ?? []) {
    const path = join(folder, name);
    const info = await ifThere(stat(path));
    if (info && info.mtimeMs < before) await rm(path, { force: true, recursive: true });
  }
};

/** Removes temporary files that crashed writers left behind: those last written before `before`, in ms since the epoch. */
export const sweepTemporary = (paths: StorePaths, before: number): Promise<void> => sweepFolder(paths.temporary, before);

/** Removes uploads that nobody will finish: those to which nothing was added after `before`, in ms since the epoch. */
export const sweepUploads = (paths: StorePaths, before: number): Promise<void> => sweepFolder(paths.uploads, before);

const removeIfEmpty = (folder: string): Promise<unknown> =>
  rmdir(folder).catch((error: NodeJS.ErrnoException) => (isMissing(error) || error.code === 'ENOTEMPTY' ? undefined : Promise.reject(error)));

/**
 * Removes marks whose content is gone. `folder` has folders of marks: empty files that are named by digests. A mark younger than `before`, in ms since the
 * epoch, stays, because its content may be on its way.
 */
export const sweepMarks = async (paths: StorePaths, folder: string, before: number): Promise<void> => {
  for (const each of (await ifThere(readdir(folder))) ?? []) {
    for (const name of (await ifThere(readdir(join(folder, each)))) ?? []) {
      const digest = digestOfFile(name);
      const mark = join(folder, each, name);
      if (digest === undefined || blobSize(paths, digest) !== undefined) continue;
      if (((await ifThere(stat(mark)))?.mtimeMs ?? Infinity) < before) await rm(mark, { force: true });
    }
    await removeIfEmpty(join(folder, each));
  }
};
