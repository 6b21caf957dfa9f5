import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestToFile, type AnyDigest } from './digests.ts';
import { ifThere } from '../files/if-there.ts';
import type { StorePaths } from './paths.ts';

// All repositories share the blobs, so what is deleted in one of them can't be taken from the others, least of all from a pin. It is only no
// longer to be had under that repository's name; garbage collection removes it when nothing else keeps it.

/** Marks a digest as deleted in a repository. */
export const markDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<void> => {
  await mkdir(paths.deletedIn(repository), { recursive: true });
  await writeFile(join(paths.deletedIn(repository), digestToFile(digest)), '');
};

export const isDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<boolean> =>
  (await ifThere(stat(join(paths.deletedIn(repository), digestToFile(digest))))) !== undefined;

/** Whether anything at all is deleted in a repository. */
export const hasDeletions = async (paths: StorePaths, repository: string): Promise<boolean> =>
  ((await ifThere(readdir(paths.deletedIn(repository)))) ?? []).length > 0;

/** Takes the mark away: the digest was pushed, mounted or named there again. */
export const unmarkDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<void> =>
  rm(join(paths.deletedIn(repository), digestToFile(digest)), { force: true });
