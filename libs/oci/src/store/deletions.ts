import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestToFile, type AnyDigest } from './digests.ts';
import { ifThere } from '../files/if-there.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { StorePaths } from './paths.ts';

// All repositories share the blobs, so deleting content in one repository must not take it from the others, or from a pin. The content is only hidden in that
// repository; garbage collection removes it if nothing else needs it.

/** Marks a digest as deleted in a repository. */
export const markDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<void> => {
  await makeFolder(paths.deletedIn(repository));
  await writeFile(join(paths.deletedIn(repository), digestToFile(digest)), '');
};

export const isDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<boolean> =>
  (await ifThere(stat(join(paths.deletedIn(repository), digestToFile(digest))))) !== undefined;

/** Whether anything is deleted in a repository. */
export const hasDeletions = async (paths: StorePaths, repository: string): Promise<boolean> =>
  ((await ifThere(readdir(paths.deletedIn(repository)))) ?? []).length > 0;

/** Removes the mark, after the digest was pushed, mounted or named in the repository again. */
export const unmarkDeleted = async (paths: StorePaths, repository: string, digest: AnyDigest): Promise<void> =>
  rm(join(paths.deletedIn(repository), digestToFile(digest)), { force: true });
