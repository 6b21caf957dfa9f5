import { fail } from '@pinlane/contracts';
import { sortEntries, type LayerEntry } from '../layer/entry.ts';
import { newFolder, type FileNode, type FileTree, type FolderNode, type Node } from './tree.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT: Owner = { uid: 0, gid: 0 };

/** A layer that is yet to be built: what is at which path, and where files come from. */
export type PlannedEntry = { readonly path: string; readonly node: Node };

/** Collects what one instruction changes, and changes the tree at once. */
export class Changes {
  private readonly byPath = new Map<string, Node>();
  private readonly tree: FileTree;

  constructor(tree: FileTree) {
    this.tree = tree;
  }

  /** What is at a path of the tree, no link followed. */
  at(path: string): Node | undefined {
    return this.tree.get(path);
  }

  put(path: string, node: Node): void {
    const there = this.tree.get(path);
    if (there?.type === 'directory' && node.type !== 'directory') fail('ERR_CONTEXT_INVALID', `cannot put a ${node.type} in place of the directory /${path}`);
    this.tree.put(path, node);
    this.byPath.set(path, node);
  }

  /** Sets mode and owner of a folder, which keeps what is in it. */
  folder(path: string, owned: Omit<FolderNode, 'type' | 'children'>): void {
    const there = this.tree.get(path);
    if (there !== undefined && there.type !== 'directory')
      fail('ERR_CONTEXT_INVALID', `cannot make the directory /${path}: there is a ${there.type} in its place`);
    this.put(path, { ...newFolder(owned), ...(there?.type === 'directory' ? { children: there.children } : {}) });
  }

  /** Puts a node in place of whatever is there. */
  replace(path: string, node: Node): void {
    this.forget(path);
    this.tree.put(path, node);
    this.byPath.set(path, node);
  }

  /** As `folder`, but what is there and is no folder gives way. */
  overFolder(path: string, owned: Omit<FolderNode, 'type' | 'children'>): void {
    if (this.tree.get(path)?.type === 'directory') this.folder(path, owned);
    else this.replace(path, newFolder(owned));
  }

  /** What was to be put below a path that gives way. */
  private forget(path: string): void {
    if (this.tree.get(path)?.type !== 'directory') return;
    for (const each of [...this.byPath.keys()]) if (each.startsWith(`${path}/`)) this.byPath.delete(each);
  }

  /** Makes a folder and those above it where they are missing; what is there keeps mode and owner. The path has no links in it. */
  makeFolders(path: string, owner: Owner): void {
    let reached = '';
    for (const part of path.split('/').filter(Boolean)) {
      reached = reached === '' ? part : `${reached}/${part}`;
      const there = this.tree.get(reached);
      if (there === undefined) this.folder(reached, { mode: 0o755, ...owner });
      else if (there.type !== 'directory') fail('ERR_CONTEXT_INVALID', `cannot make the directory /${path}: /${reached} is a ${there.type}`);
    }
  }

  planned(): PlannedEntry[] {
    return sortEntries([...this.byPath].map(([path, node]) => ({ path, node })));
  }
}

/** Planned entries as a layer's; `open` gives a file's bytes. Of hard links the first in order is the file. */
export const layerEntries = (planned: readonly PlannedEntry[], open: (file: FileNode) => AsyncIterable<Uint8Array>): LayerEntry[] => {
  const first = new Map<FileNode, string>();
  return planned.map(({ path, node }): LayerEntry => {
    const owned = { path, mode: node.mode, uid: node.uid, gid: node.gid };
    if (node.type === 'directory') return { ...owned, type: 'directory' };
    if (node.type === 'symlink') return { ...owned, type: 'symlink', target: node.target };
    if (node.type === 'special') return fail('ERR_LAYER_UNSAFE', `/${path} is a device, a pipe or a socket`);
    const target = first.get(node);
    if (target !== undefined) return { ...owned, type: 'hardlink', target };
    first.set(node, path);
    return { ...owned, type: 'file', size: node.size, sha256: node.sha256, open: () => open(node) };
  });
};
