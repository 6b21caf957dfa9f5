import { mkdirSync, chmodSync, readlinkSync, type Stats } from 'node:fs';
import { lstatIfThere } from '../files/index.ts';
import { decodeName, fsPath } from '../layer/names.ts';
import { resolveFolders, type Found } from '../layer/resolve-path.ts';

/** What is at a path; links are not followed. */
export const statOf = (path: string): Stats | undefined => lstatIfThere(fsPath(path));

/** Finds the real place of folders below a root. Links are followed by a process whose root this is. */
export interface Resolver {
  /**
   * The folder's path relative to the root, free of links; folders that are missing are made, with mode 0755.
   * @param made is told of each folder that is made
   * @throws EntryError if a part is a file, or links go in a circle
   */
  folder(parts: readonly string[], made: (path: string) => void): string;
  /** The same, but nothing is made; undefined if it is missing. @throws EntryError */
  existing(parts: readonly string[]): string | undefined;
  /** To be called when what is at a path is put in place or removed. `below`: what was known of what is in it counts no more either. */
  forget(path: string, below: boolean): void;
}

/** Makes a folder with mode 0755, whatever the umask. */
const makeFolder = (path: string): void => {
  mkdirSync(fsPath(path));
  chmodSync(fsPath(path), 0o755);
};

/**
 * Resolves part by part with lstat, so that an entry is never written through a link that leads out of the root: an
 * absolute target is a name below the root, and `..` stops at it. Nobody else may change the tree meanwhile.
 */
export const createResolver = (root: string): Resolver => {
  // A layer names the same few folders again and again.
  let known = new Map<string, Found<true>>();

  const look = (_: true, __: string, path: string): Found<true> | undefined => {
    const before = known.get(path);
    if (before) return before;
    const place = `${root}/${path}`;
    const stat = statOf(place);
    if (stat === undefined) return undefined;
    if (!stat.isDirectory() && !stat.isSymbolicLink()) return { kind: 'other' };
    const found: Found<true> = stat.isDirectory()
      ? { kind: 'folder', folder: true }
      : { kind: 'link', target: decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' })) };
    known.set(path, found);
    return found;
  };

  return {
    folder: (parts, made) => {
      const reached = resolveFolders<true>(true, look, parts);
      for (const { path, folder } of reached) {
        if (folder) continue;
        makeFolder(`${root}/${path}`);
        made(path);
      }
      return reached.at(-1)?.path ?? '';
    },
    existing: (parts) => {
      const last = resolveFolders<true>(true, look, parts).at(-1);
      return last === undefined ? '' : last.folder && last.path;
    },
    forget: (path, below) => {
      if (below) known = new Map();
      else known.delete(path);
    },
  };
};
