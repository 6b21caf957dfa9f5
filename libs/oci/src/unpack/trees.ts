import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { stopIfAborted } from '../content/index.ts';
import { makeFolder } from '../files/make-folder.ts';

const TEMPORARY = '.tmp-';
const HOUR = 3_600_000;
const UNUSED_AFTER_MS = 7 * 24 * HOUR;

/** Finished trees by name, each whole or not there at all. Any number of processes may use one folder. */
export interface Trees {
  /** The path of a finished tree, which then counts as used; undefined if there is none. */
  find(name: string): Promise<string | undefined>;
  /** Makes a tree and puts it in place under a name. If another process was faster, its tree stays and is used. Nothing stays of one that was not finished. */
  make(name: string, fill: (site: Site) => Promise<void>): Promise<string>;
  /** Removes trees that were not used for a week, and what crashed processes left an hour ago or earlier, until the work is broken off. */
  prune(signal?: AbortSignal): Promise<void>;
}

/** Where a tree is made. */
export interface Site {
  /** The folder of the tree, which is not there yet. */
  readonly root: string;
  /** A folder for what is taken out of the tree again; it goes when the tree is finished, so that nobody waits for it before. */
  readonly removed: string;
}

/** Removes a folder with all that is in it. */
export type Remove = (folder: string) => Promise<void>;

const removeAll: Remove = (folder) => rm(folder, { recursive: true, force: true });

const isThere = (error: unknown): boolean => ['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '');

export const openTrees = (folder: string, remove: Remove = removeAll): Trees => {
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
      const site: Site = { root: join(temporary, 'root'), removed: join(temporary, 'removed') };
      try {
        mkdirSync(temporary);
        mkdirSync(site.removed);
        await fill(site);
        await rename(site.root, path).catch((error: unknown) => {
          if (!isThere(error)) throw error;
        });
        return path;
      } finally {
        await remove(temporary);
      }
    },
    prune: async (signal) => {
      const now = Date.now();
      for (const name of await readdir(folder).catch(() => [])) {
        stopIfAborted(signal);
        const age = now - ((await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? now);
        if (age < (name.startsWith(TEMPORARY) ? HOUR : UNUSED_AFTER_MS)) continue;
        // It is renamed first, so that no other process finds half of it.
        const aside = join(folder, `${TEMPORARY}${randomUUID()}`);
        await rename(join(folder, name), aside)
          .then(() => remove(aside))
          .catch(() => undefined);
      }
    },
  };
};
