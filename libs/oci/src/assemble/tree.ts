import type { Digest } from '@pinlane/contracts';
import { fail } from '@pinlane/contracts';
import type { Layer, LayerListing, ListedEntry } from '../layer/index.ts';

/** Where a file's bytes are. */
export type FileSource =
  | { readonly kind: 'context'; readonly path: string }
  | { readonly kind: 'layer'; readonly layer: Layer; readonly path: string }
  /** In the Dockerfile itself. */
  | { readonly kind: 'inline'; readonly text: string }
  /** In an archive of the context, the entry of this number. */
  | { readonly kind: 'archive'; readonly path: string; readonly entry: number };

interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FileNode extends Owned {
  readonly type: 'file';
  readonly size: number;
  readonly sha256: Digest;
  readonly source: FileSource;
  readonly attributes: boolean;
  /** Whether other paths have this very node: they are hard links of each other. */
  readonly linked?: true;
  /** The content, where it is at hand. */
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
/** A device, a pipe or a socket. */
export interface SpecialNode extends Owned {
  readonly type: 'special';
}
export type Node = FileNode | FolderNode | LinkNode | SpecialNode;

const MOST_LINKS = 255;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export const newFolder = (owned: Owned = { mode: 0o755, uid: 0, gid: 0 }): FolderNode => ({ ...owned, type: 'directory', children: new Map() });

const parts = (path: string): string[] => (path === '' ? [] : path.split('/').filter((part) => part !== '' && part !== '.'));

const isWhiteout = (path: string): boolean => path.startsWith(WHITEOUT, path.lastIndexOf('/') + 1);

/** A listed entry that stands for itself; a folder keeps what is in the one that is there. Written out, because it is made for every file of a base. */
const nodeOf = (entry: Exclude<ListedEntry, { readonly type: 'hardlink' }>, layer: Layer, there: Node | undefined): Node => {
  const { path, type, mode, uid, gid } = entry;
  if (type === 'directory') return { type, mode, uid, gid, children: there?.type === 'directory' ? there.children : new Map() };
  if (type === 'special') return { type, mode, uid, gid };
  if (type === 'symlink') return { type, mode, uid, gid, target: entry.target };
  const { size, sha256, text, attributes = false } = entry;
  const node: FileNode = { type, mode, uid, gid, size, sha256, source: { kind: 'layer', layer, path }, attributes };
  return text === undefined ? node : { ...node, text };
};

const cloneFolder = (folder: FolderNode): FolderNode => ({
  ...folder,
  children: new Map([...folder.children].map(([name, node]) => [name, node.type === 'directory' ? cloneFolder(node) : node])),
});

/** The files of an image or a context, without their content. Paths are relative to the root; links are followed inside of it and never out of it. */
export class FileTree {
  private readonly top: FolderNode;

  constructor(top: FolderNode = newFolder()) {
    this.top = top;
  }

  /** A tree that changes apart from this one. */
  copy(): FileTree {
    return new FileTree(cloneFolder(this.top));
  }

  /** What is at a path, no link followed. */
  get(path: string): Node | undefined {
    let node: Node | undefined = this.top;
    for (const part of parts(path)) node = node?.type === 'directory' ? node.children.get(part) : undefined;
    return node;
  }

  /**
   * The path with every link followed, the last one too, as a kernel would whose root this is: `..` at the root stays there. What does not
   * exist is taken as it is written.
   * @throws ERR_CONTEXT_INVALID when links lead in a circle
   */
  resolve(path: string): string {
    const left = parts(path).reverse();
    const reached: { readonly name: string; readonly node: Node | undefined }[] = [];
    let links = 0;
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      if (part === '..') {
        reached.pop();
        continue;
      }
      const parent: Node | undefined = reached.length === 0 ? this.top : reached.at(-1)!.node;
      const node = parent?.type === 'directory' ? parent.children.get(part) : undefined;
      if (node?.type !== 'symlink') {
        reached.push({ name: part, node });
        continue;
      }
      if ((links += 1) > MOST_LINKS) fail('ERR_CONTEXT_INVALID', `${JSON.stringify(path)} leads over links in a circle`);
      if (node.target.startsWith('/')) reached.length = 0;
      left.push(...parts(node.target).reverse());
    }
    return reached.map(({ name }) => name).join('/');
  }

  /** What is at a path, every link followed. */
  find(path: string): Node | undefined {
    return this.get(this.resolve(path));
  }

  /** Puts a node at a path whose parent is there. */
  put(path: string, node: Node): void {
    const all = parts(path);
    const name = all.pop();
    const parent = this.get(all.join('/'));
    if (name === undefined || parent?.type !== 'directory') throw new TypeError(`${path} has no folder to be in`);
    parent.children.set(name, node);
  }

  /** Adds a layer: whiteouts first, since they speak of the layers below alone (OCI image specification, layer.md). */
  apply(listing: LayerListing, layer: Layer): void {
    for (const { path } of listing.entries) if (isWhiteout(path)) this.erase(path);
    // Most entries lie beside the one before them.
    const folders = new Map<string, Map<string, Node>>();
    const childrenOf = (path: string): Map<string, Node> => {
      const known = folders.get(path) ?? this.ensureFolder(path);
      folders.set(path, known);
      return known;
    };
    for (const entry of listing.entries) {
      const slash = entry.path.lastIndexOf('/');
      const name = entry.path.slice(slash + 1);
      if (name.startsWith(WHITEOUT)) continue;
      const siblings = childrenOf(slash === -1 ? '' : entry.path.slice(0, slash));
      const there = siblings.get(name);
      const node = entry.type === 'hardlink' ? this.linkedNode(entry.target, `layer ${layer.descriptor.digest}: ${entry.path}`) : nodeOf(entry, layer, there);
      siblings.set(name, node);
      // A folder or a link to one that gave way to something else: what is known of the way to others may be wrong now.
      if (there !== undefined && there.type !== 'file' && there.type !== node.type) folders.clear();
      else if (there?.type === 'symlink') folders.clear();
    }
  }

  /** The node that a hard link shares with its target, which is there already. */
  private linkedNode(target: string, what: string): Node {
    const slash = target.lastIndexOf('/');
    const siblings = this.ensureFolder(slash === -1 ? '' : target.slice(0, slash));
    const node = siblings.get(target.slice(slash + 1));
    if (node === undefined || node.type === 'directory') return fail('ERR_LAYER_UNSAFE', `${what} is a link to ${target}, which is not a file before it`);
    const linked: Node = node.type === 'file' && !node.linked ? { ...node, linked: true } : node;
    siblings.set(target.slice(slash + 1), linked);
    return linked;
  }

  private erase(path: string): void {
    const slash = path.lastIndexOf('/');
    const folder = this.find(path.slice(0, Math.max(slash, 0)));
    if (folder?.type !== 'directory') return;
    const name = path.slice(slash + 1);
    if (name === OPAQUE) folder.children.clear();
    else folder.children.delete(name.slice(WHITEOUT.length));
  }

  /** What is in a layer's folder: links on the way followed, folders made that nothing names. */
  private ensureFolder(path: string): Map<string, Node> {
    let folder = this.top;
    for (const part of parts(this.resolve(path))) {
      const there = folder.children.get(part);
      const next = there?.type === 'directory' ? there : newFolder();
      if (next !== there) folder.children.set(part, next);
      folder = next;
    }
    return folder.children;
  }
}
