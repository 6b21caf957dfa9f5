import type { BuildContext } from '../context/index.ts';
import { FileTree, newFolder } from './tree.ts';

/** A build context as a tree of files, all of them owned by root, as COPY takes them. */
export const contextTree = ({ entries }: BuildContext): FileTree => {
  const tree = new FileTree();
  // Sorted, so that a folder comes before what is in it.
  for (const { path, type, mode, size, sha256, linkTarget } of entries) {
    const owned = { mode, uid: 0, gid: 0 };
    if (type === 'directory') tree.put(path, newFolder(owned));
    else if (type === 'symlink') tree.put(path, { ...owned, type, target: linkTarget! });
    else tree.put(path, { ...owned, type, size, sha256: sha256!, source: { kind: 'context', path }, attributes: false });
  }
  return tree;
};
