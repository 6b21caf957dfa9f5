import { EntryError } from './read-layer.ts';

// Kept from growing without end: a kernel follows 40 links, and no path that means well has so many names.
const LINKS_AT_MOST = 40;
const NAMES_AT_MOST = 1024;

/** What is at a name in a folder: another folder, a link with its target, or something else; undefined if there is nothing. */
export type Found<Folder> =
  { readonly kind: 'folder'; readonly folder: Folder } | { readonly kind: 'link'; readonly target: string } | { readonly kind: 'other' };

/** A folder on the way to a path; `folder` is undefined for one that is missing. */
export interface Reached<Folder> {
  /** Relative to the root, free of links. */
  readonly path: string;
  readonly name: string;
  readonly folder: Folder | undefined;
}

/**
 * Finds the folders on the way to a path of a layer. Links are followed as by a process whose root this is: an absolute target is a name below the root, and
 * `..` stops at it. Nothing is made.
 * @throws EntryError if a part is neither a folder nor a link to one, or links go in a circle
 */
export const resolveFolders = <Folder>(
  root: Folder,
  look: (folder: Folder, name: string, path: string) => Found<Folder> | undefined,
  parts: readonly string[],
): Reached<Folder>[] => {
  const left = [...parts].reverse();
  const reached: Reached<Folder>[] = [];
  let [links, names] = [0, 0];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if ((names += 1) > NAMES_AT_MOST) throw new EntryError(`goes over more than ${NAMES_AT_MOST} names of links`);
    if (name === '' || name === '.') continue;
    if (name === '..') {
      reached.pop();
      continue;
    }
    const parent = reached.at(-1);
    const path = parent === undefined ? name : `${parent.path}/${name}`;
    const folder = parent === undefined ? root : parent.folder;
    const found = folder === undefined ? undefined : look(folder, name, path);
    if (found?.kind === 'other') throw new EntryError(`lies below ${path}, which is no folder`);
    if (found?.kind !== 'link') {
      reached.push({ path, name, folder: found?.folder });
      continue;
    }
    if ((links += 1) > LINKS_AT_MOST) throw new EntryError(`goes through more than ${LINKS_AT_MOST} links`);
    if (found.target.startsWith('/')) reached.length = 0;
    left.push(...found.target.split('/').reverse());
  }
  return reached;
};
