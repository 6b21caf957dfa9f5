import { randomUUID } from 'node:crypto';
import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { decodeName, fsPath } from '../layer/names.ts';
import { createLowerLayers, inFolder } from '../layer/lower-layers.ts';
import { createResolver, statOf } from './resolve.ts';
import type { Site } from './trees.ts';

/** The tree that a layer is applied to. It remembers what this layer put in place, because a whiteout takes away only what lower layers have. */
export interface LayerTree {
  /**
   * Makes room for an entry: makes the folders that it is in, and removes what is in its place, except for a folder that comes again.
   * @returns its absolute path, without links on the way
   * @throws EntryError
   */
  place(parts: readonly string[], kind: 'folder' | 'other'): string;
  /** The absolute path of what may be there, without links on the way; undefined if a folder on the way is missing. @throws EntryError */
  locate(parts: readonly string[]): string | undefined;
  /** Takes away what lower layers have at a path. @throws EntryError */
  removeLower(parts: readonly string[]): void;
  /** Takes away what lower layers have in a folder. @throws EntryError */
  emptyLower(folder: readonly string[]): void;
}

/**
 * @param site.root an absolute path; nobody else may change the tree meanwhile
 * @param made is told of each folder that is made because something lies in it
 */
export const createLayerTree = ({ root, removed }: Site, made: () => void): LayerTree => {
  const resolver = createResolver(root);

  const isFolder = (path: string): boolean => statOf(`${root}/${path}`)?.isDirectory() ?? false;
  const remove = (path: string): void => {
    const [place, below] = [fsPath(`${root}/${path}`), isFolder(path)];
    // A folder may hold any number of files.
    if (below) renameSync(place, `${removed}/${randomUUID()}`);
    else if (statOf(`${root}/${path}`) !== undefined) unlinkSync(place);
    resolver.forget(path, below);
  };
  const lower = createLowerLayers({
    namesIn: (path) => (isFolder(path) ? readdirSync(fsPath(`${root}/${path}`), { encoding: 'buffer' }).map(decodeName) : undefined),
    remove,
  });

  const existing = (parts: readonly string[]): string | undefined => {
    const folder = resolver.existing(parts.slice(0, -1));
    return folder === undefined ? undefined : inFolder(folder, parts.at(-1)!);
  };

  return {
    place: (parts, kind) => {
      const folder = resolver.folder(parts.slice(0, -1), (each) => {
        made();
        lower.written(each);
      });
      const path = inFolder(folder, parts.at(-1)!);
      const stat = statOf(`${root}/${path}`);
      if (stat !== undefined && !(kind === 'folder' && stat.isDirectory())) remove(path);
      lower.written(path);
      return `${root}/${path}`;
    },
    locate: (parts) => {
      const path = existing(parts);
      return path === undefined ? undefined : `${root}/${path}`;
    },
    removeLower: (parts) => {
      const path = existing(parts);
      if (path !== undefined) lower.takeAway(path);
    },
    emptyLower: (parts) => {
      const folder = resolver.existing(parts);
      if (folder !== undefined) lower.empty(folder);
    },
  };
};
