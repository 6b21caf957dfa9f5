import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createResolver, statOf } from './resolve.ts';

/** The tree that a layer is applied to. It remembers what this layer put in place, because a whiteout takes away only what lower layers have. */
export interface LayerTree {
  /**
   * Makes room for an entry: makes the folders that it is in, and removes what is in its place, except for a folder that comes again.
   * @returns its absolute path, without links on the way
   * @throws UnresolvableError
   */
  place(parts: readonly string[], kind: 'folder' | 'link' | 'file'): string;
  /** The absolute path of what may be there, without links on the way; undefined if a folder on the way is missing. @throws UnresolvableError */
  locate(parts: readonly string[]): string | undefined;
  /** Takes away what lower layers have at a path. @throws UnresolvableError */
  removeLower(parts: readonly string[]): void;
  /** Takes away what lower layers have in a folder. @throws UnresolvableError */
  emptyLower(folder: readonly string[]): void;
}

const inFolder = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** @param root an absolute path; nobody else may change the tree meanwhile */
export const createLayerTree = (root: string): LayerTree => {
  const resolver = createResolver(root);
  // By path below the root: the entries of this layer, and the folders that they are in.
  const written = new Set<string>();

  const remember = (path: string): void => {
    for (let at = path; at !== '' && !written.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) written.add(at);
  };

  const remove = (path: string): void => {
    rmSync(join(root, path), { recursive: true, force: true });
    resolver.forget();
  };

  const removeUnlessWritten = (path: string): void => {
    if (!written.has(path)) remove(path);
    else if (statOf(join(root, path))?.isDirectory()) emptyUnlessWritten(path);
  };

  const emptyUnlessWritten = (folder: string): void => {
    for (const child of readdirSync(join(root, folder))) removeUnlessWritten(inFolder(folder, child));
  };

  const existing = (parts: readonly string[]): string | undefined => {
    const folder = resolver.existing(parts.slice(0, -1));
    return folder === undefined ? undefined : inFolder(folder, parts.at(-1)!);
  };

  return {
    place: (parts, kind) => {
      const path = inFolder(resolver.folder(parts.slice(0, -1), remember), parts.at(-1)!);
      const stat = statOf(join(root, path));
      if (stat !== undefined && !(kind === 'folder' && stat.isDirectory())) remove(path);
      // From now on, paths may lead through the link.
      if (kind === 'link') resolver.forget();
      remember(path);
      return join(root, path);
    },
    locate: (parts) => {
      const path = existing(parts);
      return path === undefined ? undefined : join(root, path);
    },
    removeLower: (parts) => {
      const path = existing(parts);
      if (path !== undefined) removeUnlessWritten(path);
    },
    emptyLower: (parts) => {
      const folder = resolver.existing(parts);
      if (folder !== undefined) emptyUnlessWritten(folder);
    },
  };
};
