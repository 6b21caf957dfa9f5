import type { Digest } from '@pinlane/contracts';
import { fail } from '@pinlane/contracts';
import type { Descriptor } from '../content/index.ts';
import type { LayerListing } from '../layer/index.ts';

/** Where a file's bytes are. */
export type FileSource = { readonly kind: 'context'; readonly path: string } | { readonly kind: 'layer'; readonly layer: Descriptor; readonly path: string };

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

const parts = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

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
    const queue = parts(path);
    let reached: string[] = [];
    let links = 0;
    while (queue.length > 0) {
      const part = queue.shift()!;
      if (part === '..') {
        reached.pop();
        continue;
      }
      const node = this.get([...reached, part].join('/'));
      if (node?.type !== 'symlink') {
        reached.push(part);
        continue;
      }
      if ((links += 1) > MOST_LINKS) fail('ERR_CONTEXT_INVALID', `${JSON.stringify(path)} leads over links in a circle`);
      if (node.target.startsWith('/')) reached = [];
      queue.unshift(...parts(node.target));
    }
    return reached.join('/');
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
  apply(listing: LayerListing, layer: Descriptor): void {
    const isWhiteout = (path: string) => path.slice(path.lastIndexOf('/') + 1).startsWith(WHITEOUT);
    for (const { path } of listing.entries) if (isWhiteout(path)) this.erase(path);
    for (const entry of listing.entries) {
      if (isWhiteout(entry.path)) continue;
      const { path, type, mode, uid, gid } = entry;
      const owned = { mode, uid, gid };
      const place = this.placeOf(path);
      const there = this.get(place);
      if (type === 'directory') this.put(place, { ...newFolder(owned), ...(there?.type === 'directory' ? { children: there.children } : {}) });
      else if (type === 'symlink') this.put(place, { ...owned, type, target: entry.target });
      else if (type === 'special') this.put(place, { ...owned, type });
      else if (type === 'hardlink') {
        this.link(place, this.placeOf(entry.target), `layer ${layer.digest}: ${path}`);
      } else {
        const { size, sha256, text } = entry;
        const source = { kind: 'layer', layer, path } as const;
        this.put(place, { ...owned, type, size, sha256, source, attributes: entry.attributes ?? false, ...(text === undefined ? {} : { text }) });
      }
    }
  }

  private link(place: string, targetPlace: string, what: string): void {
    const target = this.get(targetPlace);
    if (target === undefined || target.type === 'directory')
      return fail('ERR_LAYER_UNSAFE', `${what} is a link to /${targetPlace}, which is not a file before it`);
    const node: Node = target.type === 'file' && !target.linked ? { ...target, linked: true } : target;
    this.put(targetPlace, node);
    this.put(place, node);
  }

  private erase(path: string): void {
    const slash = path.lastIndexOf('/');
    const folder = this.find(path.slice(0, Math.max(slash, 0)));
    if (folder?.type !== 'directory') return;
    const name = path.slice(slash + 1);
    if (name === OPAQUE) folder.children.clear();
    else folder.children.delete(name.slice(WHITEOUT.length));
  }

  /** Where a layer's entry goes: below its parent, links followed, folders made that nothing names. */
  private placeOf(path: string): string {
    const all = parts(path);
    const name = all.pop()!;
    const parent = this.resolve(all.join('/'));
    let reached = '';
    for (const part of parts(parent)) {
      reached = reached === '' ? part : `${reached}/${part}`;
      if (this.get(reached)?.type !== 'directory') this.put(reached, newFolder());
    }
    return parent === '' ? name : `${parent}/${name}`;
  }
}
