import { fail } from '@pinlane/contracts';
import type { Layer, LayerListing, ListedEntry } from '../layer/index.ts';
import { OPAQUE, WHITEOUT } from '../layer/whiteout.ts';
import { folderOf, nameOf } from './paths.ts';
import type { FileNode, FileTree, Node } from './tree.ts';

type HardLink = Extract<ListedEntry, { readonly type: 'hardlink' }>;

/** The node of an entry that is no hard link; a folder keeps what is in the one that is there. Keys are written out, because this runs for every file of a base. */
const nodeOf = (entry: Exclude<ListedEntry, HardLink>, layer: Layer, there: Node | undefined): Node => {
  const { path, type, mode, uid, gid } = entry;
  if (type === 'directory') return { type, mode, uid, gid, children: there?.type === 'directory' ? there.children : new Map() };
  if (type === 'special') return { type, mode, uid, gid };
  if (type === 'symlink') return { type, mode, uid, gid, target: entry.target };
  const { size, sha256, text, attributes = false } = entry;
  const node: FileNode = { type, mode, uid, gid, size, sha256, source: { kind: 'layer', layer, path }, attributes };
  return text === undefined ? node : { ...node, text };
};

/** The node that a hard link shares with its target. @throws ERR_LAYER_UNSAFE if no file or link comes before it */
const linkedNode = (tree: FileTree, { path, target }: HardLink, layer: Layer): Node => {
  const siblings = tree.ensureFolder(folderOf(target));
  const node = siblings.get(nameOf(target));
  if (node === undefined || node.type === 'directory')
    return fail('ERR_LAYER_UNSAFE', `layer ${layer.descriptor.digest}: ${path} is a link to ${target}, which is not a file before it`);
  const linked: Node = node.type === 'file' && !node.linked ? { ...node, linked: true } : node;
  siblings.set(nameOf(target), linked);
  return linked;
};

const erase = (tree: FileTree, whiteout: string): void => {
  const folder = folderOf(whiteout);
  if (tree.find(folder)?.type !== 'directory') return;
  const siblings = tree.ensureFolder(folder);
  const name = nameOf(whiteout);
  if (name === OPAQUE) siblings.clear();
  else siblings.delete(name.slice(WHITEOUT.length));
};

const isWhiteout = (path: string): boolean => nameOf(path).startsWith(WHITEOUT);

/** Whether folders may be elsewhere now: a folder, a link or what is special has given way to something else. */
const movesFolders = (there: Node | undefined, node: Node): boolean =>
  there !== undefined && there.type !== 'file' && (there.type === 'symlink' || there.type !== node.type);

/** Adds a layer to a tree. Its whiteouts come first, because they are about the layers below alone (OCI image specification, layer.md). */
export const applyListing = (tree: FileTree, listing: LayerListing, layer: Layer): void => {
  const [whiteouts, entries] = [[] as string[], [] as ListedEntry[]];
  for (const entry of listing.entries) {
    if (isWhiteout(entry.path)) whiteouts.push(entry.path);
    else entries.push(entry);
  }
  for (const path of whiteouts) erase(tree, path);
  // Most entries lie in the same folder as the one before them.
  const folders = new Map<string, Map<string, Node>>();
  for (const entry of entries) {
    const folder = folderOf(entry.path);
    const siblings = folders.get(folder) ?? tree.ensureFolder(folder);
    folders.set(folder, siblings);
    const there = siblings.get(nameOf(entry.path));
    const node = entry.type === 'hardlink' ? linkedNode(tree, entry, layer) : nodeOf(entry, layer, there);
    siblings.set(nameOf(entry.path), node);
    if (movesFolders(there, node)) folders.clear();
  }
};
