import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.ts';

const TEMPORARY = '.tmp-';
const HOUR = 3_600_000;
const UNUSED_AFTER_MS = 7 * 24 * HOUR;

/** Finished trees by name, each whole or not there at all. Any number of processes may use one folder. */
export interface Trees {
  /** The path of a finished tree, which then counts as used; undefined if there is none. */
  find(name: string): Promise<string | undefined>;
  /** Fills a folder and puts it in place under a name. If another process was faster, its tree stays and is used. */
  make(name: string, fill: (folder: string) => Promise<void>): Promise<string>;
  /** Removes trees that were not used for a week, and what crashed processes left an hour ago or earlier. */
  prune(): Promise<void>;
}

const isThere = (error: unknown): boolean => ['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '');

export const openTrees = (folder: string): Trees => {
  const find = async (name: string): Promise<string | undefined> => {
    const path = join(folder, name);
    const now = new Date();
    return utimes(path, now, now).then(
      () => path,
      () => undefined,
    );
  };
  return {
    find,
    make: async (name, fill) => {
      await makeFolder(folder);
      const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
      const path = join(folder, name);
      try {
        await fill(temporary);
        await rename(temporary, path).catch((error: unknown) => {
          if (!isThere(error)) throw error;
        });
        return path;
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    },
    prune: async () => {
      const now = Date.now();
      for (const name of await readdir(folder).catch(() => [])) {
        const age = now - ((await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? now);
        if (age < (name.startsWith(TEMPORARY) ? HOUR : UNUSED_AFTER_MS)) continue;
        // It is renamed first, so that no other process finds half of it.
        const aside = join(folder, `${TEMPORARY}${randomUUID()}`);
        await rename(join(folder, name), aside).then(
          () => rm(aside, { recursive: true, force: true }),
          () => {},
        );
      }
    },
  };
};
