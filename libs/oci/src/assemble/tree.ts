import type { Digest } from '@pinlane/contracts';
import { fail } from '@pinlane/contracts';
import type { Layer } from '../layer/index.ts';
import { resolveFolders, type Found } from '../layer/resolve-path.ts';
import { folderOf, nameOf, namesOf } from './paths.ts';

/** Where a file's bytes are. */
export type FileSource =
  | { readonly kind: 'context'; readonly path: string }
  /** The entry of this number, from 0, of a layer's tar. */
  | { readonly kind: 'layer'; readonly layer: Layer; readonly path: string; readonly entry: number }
  /** In the Dockerfile itself. */
  | { readonly kind: 'inline'; readonly text: string }
  /** In an archive of the context, the entry of this number, from 0. */
  | { readonly kind: 'archive'; readonly path: string; readonly entry: number };

export interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FileNode extends Owned {
  readonly type: 'file';
  /** In bytes. */
  readonly size: number;
  readonly sha256: Digest;
  readonly source: FileSource;
  /** Whether it has extended attributes. */
  readonly attributes: boolean;
  /** Set if other paths have this very node: they are hard links of each other. */
  readonly linked?: true;
  /** The content, if the listing of a layer has it. */
  readonly text?: string;
}
export interface FolderNode extends Owned {
  readonly type: 'directory';
  readonly children: Map<string, Node>;
}
export interface LinkNode extends Owned {
  readonly type: 'symlink';
  readonly target: string;
}
/** A named pipe. */
export interface PipeNode extends Owned {
  readonly type: 'pipe';
}
/** What is put into no image. */
export interface SpecialNode extends Owned {
  readonly type: 'special';
  /** Completes a sentence about it; it is a device, a pipe or a socket if it is left out. */
  readonly why?: string;
}
export type Node = FileNode | FolderNode | LinkNode | PipeNode | SpecialNode;

/** Where a path leads. */
export interface Followed {
  /** With every link followed. */
  readonly path: string;
  /** What the first link says that leads above the root, or starts anew from it. */
  readonly climbing: string | undefined;
  readonly absolute: string | undefined;
}

/** A folder that a layer's entry lies in. */
export interface LayerFolder {
  /** Free of links; empty for the root. */
  readonly path: string;
  readonly children: Map<string, Node>;
}

/** How many links a path may lead over, as Go's filepath.EvalSymlinks has it. */
const MOST_LINKS = 255;

export const newFolder = (owned: Owned = { mode: 0o755, uid: 0, gid: 0 }): FolderNode => ({ ...owned, type: 'directory', children: new Map() });

const childOf = (node: Node | undefined, name: string): Node | undefined => (node?.type === 'directory' ? node.children.get(name) : undefined);

const lookInFolder = (folder: FolderNode, name: string): Found<FolderNode> | undefined => {
  const node = folder.children.get(name);
  if (node?.type === 'directory') return { kind: 'folder', folder: node };
  if (node?.type === 'symlink') return { kind: 'link', target: node.target };
  return node && { kind: 'other' };
};

/** The files of an image or a context, without their content. Paths are relative to the root; links are followed inside of it and never out of it. */
export class FileTree {
  private top: FolderNode;
  /** What this tree alone has, and may change. All else is copied before it is changed, folder by folder. */
  private own = new WeakSet<Map<string, Node>>();

  constructor(top: FolderNode = newFolder()) {
    this.top = top;
  }

  /** A tree that changes apart from this one, in no time: they share what neither changes. */
  copy(): FileTree {
    this.own = new WeakSet();
    return new FileTree(this.top);
  }

  /** A folder that this tree may change, in place of one that it may share. */
  private owned(folder: FolderNode): FolderNode {
    if (this.own.has(folder.children)) return folder;
    const children = new Map(folder.children);
    this.own.add(children);
    return { ...folder, children };
  }

  /** What is at a path; no link is followed. */
  get(path: string): Node | undefined {
    let node: Node | undefined = this.top;
    for (const name of namesOf(path)) node = childOf(node, name);
    return node;
  }

  /**
   * Follows every link of a path, the last one too, by a kernel whose root this is: `..` at the root stays there. From the first name that
   * does not exist on, the path stays as it is written.
   * @throws ERR_CONTEXT_INVALID if links lead in a circle
   */
  follow(path: string): Followed {
    const left = namesOf(path).reverse();
    const reached: { readonly name: string; readonly node: Node | undefined }[] = [];
    let [links, last] = [0, ''];
    let climbing: string | undefined;
    let absolute: string | undefined;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        if (reached.pop() === undefined) climbing ??= last;
        continue;
      }
      const parent = reached.at(-1);
      const node = childOf(parent ? parent.node : this.top, name);
      if (node?.type !== 'symlink') {
        reached.push({ name, node });
        continue;
      }
      if ((links += 1) > MOST_LINKS) fail('ERR_CONTEXT_INVALID', `${JSON.stringify(path)} leads over links in a circle`);
      last = node.target;
      if (last.startsWith('/')) {
        reached.length = 0;
        absolute ??= last;
      }
      left.push(...namesOf(last).reverse());
    }
    return { path: reached.map(({ name }) => name).join('/'), climbing, absolute };
  }

  /** The path with every link followed, see `follow`. @throws ERR_CONTEXT_INVALID if links lead in a circle */
  resolve(path: string): string {
    return this.follow(path).path;
  }

  /** What is at a path; every link is followed. */
  find(path: string): Node | undefined {
    return this.get(this.resolve(path));
  }

  /** Puts a node at a path whose folder is there. */
  put(path: string, node: Node): void {
    const siblings = this.siblings(folderOf(path));
    if (nameOf(path) === '' || siblings === undefined) throw new TypeError(`${path} has no folder to be in`);
    siblings.set(nameOf(path), node);
  }

  /** Removes what is at a path, if anything is. No link is followed. */
  remove(path: string): void {
    this.siblings(folderOf(path))?.delete(nameOf(path));
  }

  /** A folder as a layer's entry means it, to be changed: links on the way are followed, see `resolveFolders`; undefined if it is missing. @throws EntryError */
  layerFolder(path: string): LayerFolder | undefined {
    const at = resolveFolders(this.top, lookInFolder, namesOf(path)).at(-1)?.path ?? '';
    const children = this.siblings(at);
    return children && { path: at, children };
  }

  /** The same, but folders that are missing are made; `made` is told of each. @throws EntryError */
  makeLayerFolder(path: string, made: () => void): LayerFolder {
    const at = resolveFolders(this.top, lookInFolder, namesOf(path)).at(-1)?.path ?? '';
    return { path: at, children: this.siblings(at, made)! };
  }

  /** What is in the folder at a path, to be changed; undefined if there is none, unless it is made, which `made` is told of. */
  private siblings(path: string, made?: () => void): Map<string, Node> | undefined {
    let folder = (this.top = this.owned(this.top));
    for (const name of namesOf(path)) {
      const there = folder.children.get(name);
      if (there?.type !== 'directory') {
        if (made === undefined) return undefined;
        made();
      }
      const next = this.owned(there?.type === 'directory' ? there : newFolder());
      if (next !== there) folder.children.set(name, next);
      folder = next;
    }
    return folder.children;
  }
}
