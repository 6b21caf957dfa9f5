import { chmodSync, closeSync, constants, fchmodSync, linkSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { fail, type Digest } from '@pinlane/contracts';
import { createTurns } from '../content/index.ts';
import { aboutFile } from '../files/index.ts';
import { createFolderLimit } from '../layer/folder-limit.ts';
import { encodeName, fsPath } from '../layer/names.ts';
import { forEntry, readLayer, refuseEntry, shown, type LayerItem } from '../layer/read-layer.ts';
import { createLayerTree, type LayerTree } from './layer-tree.ts';
import { statOf } from './resolve.ts';
import type { Site } from './trees.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Setuid and setgid bits are dropped: nothing of an image needs them where it is run. */
const fileMode = (mode: number): number => mode & 0o777;
/** Whoever unpacks must be able to go on, and to remove it all again. The sticky bit stays: /tmp is not safe without. */
const folderMode = (mode: number): number => (mode & 0o1777) | 0o700;

const putFolder = (path: string, mode: number): void => {
  if (statOf(path) === undefined) mkdirSync(fsPath(path));
  chmodSync(fsPath(path), folderMode(mode));
};

const putHardLink = (tree: LayerTree, parts: readonly string[], target: readonly string[]): void => {
  const name = shown(target.join('/'));
  const from = tree.locate(target);
  const stat = from === undefined ? undefined : statOf(from);
  if (from === undefined || stat === undefined) return refuseEntry(`is a hard link to ${name}, which is not there`);
  if (stat.isDirectory()) return refuseEntry(`is a hard link to the folder ${name}`);
  const own = tree.locate(parts);
  if (from === own) return;
  if (own !== undefined && from.startsWith(`${own}/`)) refuseEntry(`is a hard link to ${name}, which is inside of the folder that it would replace`);
  linkSync(fsPath(from), fsPath(tree.place(parts, 'other')));
};

/** Opens a new file always (O_EXCL), so that one that is shared with another tree by a hard link is never written to. */
const openFile = (path: string, mode: number): number => {
  const file = openSync(fsPath(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  fchmodSync(file, fileMode(mode));
  return file;
};

/** Does what an item asks for; returns the open file that its content goes to. */
const applyItem = (tree: LayerTree, item: LayerItem): number | undefined => {
  const { kind, parts, entry } = item;
  switch (kind) {
    case 'directory':
      return void putFolder(tree.place(parts, 'folder'), entry.mode);
    case 'file':
      return openFile(tree.place(parts, 'other'), entry.mode);
    case 'symlink':
      return void symlinkSync(encodeName(item.target), fsPath(tree.place(parts, 'other')));
    case 'hardlink':
      return void putHardLink(tree, parts, item.target);
    case 'special':
      // Only root makes a device, Node makes no pipe, and a sandbox has a /dev of its own: an empty file stands for them.
      return openFile(tree.place(parts, 'other'), entry.mode);
    case 'whiteout':
      return void tree.removeLower(parts);
    case 'opaque':
      return void tree.emptyLower(parts);
  }
};

/** Errors of the file system for which an entry is to blame. */
const FAULTS = ['ENAMETOOLONG', 'EINVAL', 'EILSEQ', 'EMLINK'];

const writeContent = async (file: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
  try {
    for await (const chunk of content) for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
  } finally {
    closeSync(file);
  }
};

export interface ApplyOptions {
  readonly maxEntries: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Applies a layer's tar to a tree (OCI image specification, layer.md): whiteouts and opaque folders, hard links inside the
 * root, no owners, no times, no set-user and set-group bits; an empty file stands for a pipe or a device. Runs as any user.
 * Nobody else may touch the tree meanwhile.
 * @throws ERR_LAYER_UNSAFE with the layer and the entry, ERR_MANIFEST_INVALID if it is not a tar, ERR_CANCELLED
 */
export const applyLayer = async (site: Site, layer: Digest, tar: AsyncIterable<Uint8Array>, { maxEntries, signal }: ApplyOptions): Promise<void> => {
  const limit = createFolderLimit();
  const tree = createLayerTree(site, limit.made);
  const turn = createTurns(signal);
  const apply = (item: LayerItem): number | undefined => {
    try {
      return forEntry(layer, item.entry, () => applyItem(tree, item));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !FAULTS.includes(code)) throw error;
      return fail('ERR_LAYER_UNSAFE', `layer ${layer}: the entry ${shown(item.entry.name)} cannot be put on this file system (${code})`, { cause: error });
    }
  };
  for await (const item of readLayer(layer, tar, maxEntries)) {
    limit.entry();
    const file = apply(item);
    if (file !== undefined) await aboutFile(site.root, () => writeContent(file, item.entry.content));
    await turn();
  }
};
