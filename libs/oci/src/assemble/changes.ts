import { fail } from '@pinlane/contracts';
import { sortEntries, type LayerEntry } from '../layer/entry.ts';
import { parseEntryName, UNPACK_LIMITS } from '../layer/index.ts';
import { shown } from '../layer/read-layer.ts';
import { below, folderOf } from './paths.ts';
import { newFolder, type FileNode, type FileTree, type FolderNode, type Node, type Owned } from './tree.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT: Owner = { uid: 0, gid: 0 };

/** One entry of a layer that is yet to be built: what is at which path, and where its bytes come from. */
export type PlannedEntry = { readonly path: string; readonly node: Node };

/** Refuses what a reader of the layer would refuse, or take for a mark that takes files away. @throws ERR_CONTEXT_INVALID */
const requireName = (path: string): void => {
  const name = parseEntryName(path);
  if (name.kind === 'path') return;
  fail('ERR_CONTEXT_INVALID', `no image can hold ${shown(`/${path}`)}, which ${name.kind === 'unsafe' ? name.why : 'is a name that takes files away'}`, {
    fix: 'Give it another name, or leave it out in .dockerignore.',
  });
};

/** Collects what one instruction changes, and changes the tree at once. */
export class Changes {
  private readonly byPath = new Map<string, Node>();
  private readonly tree: FileTree;

  constructor(tree: FileTree) {
    this.tree = tree;
  }

  /** What is at a path of the tree; no link is followed. */
  at(path: string): Node | undefined {
    return this.tree.get(path);
  }

  /** Puts a node at a path whose folder is there. @throws ERR_CONTEXT_INVALID if it would take the place of a folder */
  put(path: string, node: Node): void {
    if (this.at(path)?.type === 'directory' && node.type !== 'directory')
      fail('ERR_CONTEXT_INVALID', `cannot put a ${node.type} in place of the directory /${path}`);
    this.set(path, node);
  }

  /** Puts a node in place of whatever is there. */
  replace(path: string, node: Node): void {
    const there = this.at(path);
    if (there?.type === 'directory') this.forgetBelow(path, there);
    this.set(path, node);
  }

  /** Makes a folder, or sets mode and owner of the one that is there, which keeps what is in it. @throws ERR_CONTEXT_INVALID */
  folder(path: string, owned: Owned): void {
    const there = this.at(path);
    if (there !== undefined && there.type !== 'directory')
      fail('ERR_CONTEXT_INVALID', `cannot make the directory /${path}: there is a ${there.type} in its place`);
    this.set(path, { ...newFolder(owned), ...(there?.type === 'directory' ? { children: there.children } : {}) });
  }

  /** As `folder`, but in place of whatever is there and is no folder. */
  overFolder(path: string, owned: Owned): void {
    if (this.at(path)?.type === 'directory') this.folder(path, owned);
    else this.replace(path, newFolder(owned));
  }

  /** Makes a folder and those above it, if they are missing; those that are there keep mode and owner. The path has no links in it. @throws ERR_CONTEXT_INVALID */
  makeFolders(path: string, owner: Owner): void {
    const missing: string[] = [];
    let reached = path;
    for (; reached !== ''; reached = folderOf(reached)) {
      const there = this.at(reached);
      if (there?.type === 'directory') break;
      if (there !== undefined) fail('ERR_CONTEXT_INVALID', `cannot make the directory /${path}: /${reached} is a ${there.type}`);
      missing.push(reached);
    }
    for (const each of missing.reverse()) this.folder(each, { mode: 0o755, ...owner });
  }

  /** The changes, in a layer's order. */
  planned(): PlannedEntry[] {
    return sortEntries([...this.byPath].map(([path, node]) => ({ path, node })));
  }

  private set(path: string, node: Node): void {
    requireName(path);
    if (this.byPath.size >= UNPACK_LIMITS.entries) fail('ERR_CONTEXT_INVALID', `one instruction makes a layer of more than ${UNPACK_LIMITS.entries} entries`);
    this.tree.put(path, node);
    this.byPath.set(path, node);
  }

  private forgetBelow(path: string, { children }: FolderNode): void {
    for (const [name, node] of children) {
      this.byPath.delete(below(path, name));
      if (node.type === 'directory') this.forgetBelow(below(path, name), node);
    }
  }
}

/** Planned entries as a layer's; `open` gives a file's bytes. Of paths that share a node, the first is the file and the others are hard links to it. */
export const layerEntries = (planned: readonly PlannedEntry[], open: (file: FileNode) => AsyncIterable<Uint8Array>): LayerEntry[] => {
  const first = new Map<FileNode, string>();
  return planned.map(({ path, node }): LayerEntry => {
    const owned = { path, mode: node.mode, uid: node.uid, gid: node.gid };
    if (node.type === 'directory') return { ...owned, type: 'directory' };
    if (node.type === 'symlink') return { ...owned, type: 'symlink', target: node.target };
    if (node.type === 'pipe') return { ...owned, type: 'pipe' };
    if (node.type === 'special') return fail('ERR_LAYER_UNSAFE', `/${path} is a device, a pipe or a socket`);
    const target = first.get(node);
    if (target !== undefined) return { ...owned, type: 'hardlink', target };
    first.set(node, path);
    return { ...owned, type: 'file', size: node.size, sha256: node.sha256, open: () => open(node) };
  });
};
