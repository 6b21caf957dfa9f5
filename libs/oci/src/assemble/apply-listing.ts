import { fail } from '@pinlane/contracts';
import type { Layer, LayerListing, ListedEntry } from '../layer/index.ts';
import { createFolderLimit } from '../layer/folder-limit.ts';
import { createLowerLayers, inFolder, type LowerLayers } from '../layer/lower-layers.ts';
import { EntryError, refuseEntry, shown } from '../layer/read-layer.ts';
import { OPAQUE, WHITEOUT } from '../layer/whiteout.ts';
import { folderOf, nameOf } from './paths.ts';
import type { FileNode, FileTree, LayerFolder, Node } from './tree.ts';

type HardLink = Extract<ListedEntry, { readonly type: 'hardlink' }>;

/** The node of an entry that is no hard link; a folder keeps what is in the one that is there. Keys are written out, because this runs for every file of a base. */
const nodeOf = (entry: Exclude<ListedEntry, HardLink>, layer: Layer, there: Node | undefined): Node => {
  const { path, type, mode, uid, gid } = entry;
  if (type === 'directory') return { type, mode, uid, gid, children: there?.type === 'directory' ? there.children : new Map() };
  if (type === 'special') return { type, mode, uid, gid };
  if (type === 'symlink') return { type, mode, uid, gid, target: entry.target };
  const { size, sha256, text, attributes = false } = entry;
  const node: FileNode = { type, mode, uid, gid, size, sha256, source: { kind: 'layer', layer, path, entry: entry.number }, attributes };
  return text === undefined ? node : { ...node, text };
};

/** Says which layer's entry is refused. @throws ERR_LAYER_UNSAFE */
const forPath = <T>(layer: Layer, path: string, step: () => T): T => {
  try {
    return step();
  } catch (error) {
    if (error instanceof EntryError) return fail('ERR_LAYER_UNSAFE', `layer ${layer.descriptor.digest}: ${shown(path)} ${error.message}`);
    throw error;
  }
};

/** The node that a hard link shares with its target. @throws EntryError if no file or link comes before it, or if it would take the place of its target's folder */
const linkedNode = (tree: FileTree, { target }: HardLink, own: string): Node => {
  const folder = tree.layerFolder(folderOf(target));
  const node = folder?.children.get(nameOf(target));
  if (folder === undefined || node === undefined) return refuseEntry(`is a hard link to ${shown(target)}, which is not a file before it`);
  if (node.type === 'directory') return refuseEntry(`is a hard link to the folder ${shown(target)}`);
  if (folder.path === own || folder.path.startsWith(`${own}/`))
    return refuseEntry(`is a hard link to ${shown(target)}, which is inside of the folder that it would replace`);
  const linked: Node = node.type === 'file' && !node.linked ? { ...node, linked: true } : node;
  folder.children.set(nameOf(target), linked);
  return linked;
};

/** What lower layers have in a tree; undefined for a layer that takes nothing away, as most do: then nobody has to know. */
const lowerLayersOf = (tree: FileTree, { entries }: LayerListing): LowerLayers | undefined => {
  if (!entries.some(({ path }) => nameOf(path).startsWith(WHITEOUT))) return undefined;
  return createLowerLayers({
    namesIn: (path) => {
      const node = tree.get(path);
      return node?.type === 'directory' ? node.children.keys() : undefined;
    },
    remove: (path) => tree.remove(path),
  });
};

/** Takes away what a whiteout names of lower layers. */
const erase = (tree: FileTree, lower: LowerLayers, whiteout: string): void => {
  const folder = tree.layerFolder(folderOf(whiteout));
  const name = nameOf(whiteout);
  if (folder === undefined) return;
  if (name === OPAQUE) lower.empty(folder.path);
  else lower.takeAway(inFolder(folder.path, name.slice(WHITEOUT.length)));
};

/** Whether folders may be elsewhere now: a folder, a link or what is special has given way to something else. */
const movesFolders = (there: Node | undefined, node: Node): boolean =>
  there !== undefined && there.type !== 'file' && (there.type === 'symlink' || there.type !== node.type);

/** Adds a layer to a tree, entry by entry as it is unpacked. @throws ERR_LAYER_UNSAFE */
export const applyListing = (tree: FileTree, listing: LayerListing, layer: Layer): void => {
  const limit = createFolderLimit();
  const lower = lowerLayersOf(tree, listing);
  // Most entries lie in the same folder as the one before them.
  const folders = new Map<string, LayerFolder>();
  const apply = (entry: ListedEntry): void => {
    limit.entry();
    const name = nameOf(entry.path);
    if (lower && name.startsWith(WHITEOUT)) {
      folders.clear();
      return erase(tree, lower, entry.path);
    }
    const parent = folderOf(entry.path);
    const folder = folders.get(parent) ?? tree.makeLayerFolder(parent, limit.made);
    folders.set(parent, folder);
    const there = folder.children.get(name);
    const node = entry.type === 'hardlink' ? linkedNode(tree, entry, inFolder(folder.path, name)) : nodeOf(entry, layer, there);
    folder.children.set(name, node);
    lower?.written(inFolder(folder.path, name));
    if (movesFolders(there, node)) folders.clear();
  };
  for (const entry of listing.entries) forPath(layer, entry.path, () => apply(entry));
};
