import { chmodSync, closeSync, constants, fchmodSync, linkSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { fail, type Digest } from '@pinlane/contracts';
import { TarError } from '../layer/tar-fields.ts';
import { readTar, type TarEntry } from '../layer/tar-reader.ts';
import { parseEntryName } from './entry-name.ts';
import { createLayerTree, type LayerTree } from './layer-tree.ts';
import { statOf, UnresolvableError } from './resolve.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Setuid and setgid bits are dropped: nothing of an image needs them where it is run. */
const fileMode = (mode: number): number => mode & 0o777;
/** Whoever unpacks must be able to go on, and to remove it all again. The sticky bit stays: /tmp is not safe without. */
const folderMode = (mode: number): number => (mode & 0o1777) | 0o700;

/** Types that no image needs, by their flags. A type that is in no standard counts as a file (pax, "ustar Interchange Format"). */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['3', 'character-device'],
  ['4', 'block-device'],
]);
/** A named pipe, which nothing can be read from before someone writes to it. */
const PIPE = '6';

const shown = (name: string): string => JSON.stringify(name.slice(0, 200));

/** Why an entry can't be put in place. */
class EntryError extends Error {}

const refuse = (why: string): never => {
  throw new EntryError(why);
};

const putFolder = (tree: LayerTree, parts: readonly string[], mode: number): void => {
  const path = tree.place(parts, 'folder');
  if (statOf(path) === undefined) mkdirSync(path);
  chmodSync(path, folderMode(mode));
};

const putHardLink = (tree: LayerTree, parts: readonly string[], linkName: string): void => {
  const target = parseEntryName(linkName);
  if (target.kind !== 'path') return refuse(`is a hard link to ${shown(linkName)}, which is not a file of the image`);
  const from = tree.locate(target.parts);
  const stat = from === undefined ? undefined : statOf(from);
  if (from === undefined || stat === undefined) return refuse(`is a hard link to ${shown(linkName)}, which is not there`);
  if (stat.isDirectory()) return refuse(`is a hard link to the folder ${shown(linkName)}`);
  if (from !== tree.locate(parts)) linkSync(from, tree.place(parts, 'file'));
};

/** Opens a new file always (O_EXCL), so that one that is shared with another tree by a hard link is never written to. */
const openFile = (tree: LayerTree, parts: readonly string[], mode: number): number => {
  const file = openSync(tree.place(parts, 'file'), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  fchmodSync(file, fileMode(mode));
  return file;
};

/** Puts an entry in place; returns the open file that its content goes to. */
const putEntry = (tree: LayerTree, { type, flag, mode, linkName }: TarEntry, parts: readonly string[]): number | undefined => {
  if (type === 'directory') return void putFolder(tree, parts, mode);
  if (type === 'hardlink') return void putHardLink(tree, parts, linkName);
  if (type === 'symlink') return void symlinkSync(linkName || refuse('is a link to nothing'), tree.place(parts, 'link'));
  // It takes the place of what is there, and is left out: whatever wants to read from one makes its own.
  if (flag === PIPE) return void tree.place(parts, 'file');
  const refused = REFUSED.get(flag);
  return refused === undefined ? openFile(tree, parts, mode) : refuse(`is a ${refused}, which no image needs`);
};

/** Does what an entry asks for; returns the open file that its content goes to. */
const applyEntry = (tree: LayerTree, entry: TarEntry): number | undefined => {
  const name = parseEntryName(entry.name);
  switch (name.kind) {
    case 'unsafe':
      return refuse(name.why);
    case 'path':
      return putEntry(tree, entry, name.parts);
    case 'root':
      return entry.type === 'directory' ? undefined : refuse('stands in place of the root');
    case 'whiteout':
      return void tree.removeLower(name.parts);
    case 'opaque':
      return void tree.emptyLower(name.parts);
    case 'ignored':
      return undefined;
  }
};

/** Runs a step for an entry; what the entry itself is to blame for is told with its name. @throws ERR_LAYER_UNSAFE */
const forEntry = <T>(layer: Digest, { name }: TarEntry, step: () => T): T => {
  const unsafe = (why: string): never => fail('ERR_LAYER_UNSAFE', `layer ${layer}: the entry ${shown(name)} ${why}`);
  try {
    return step();
  } catch (error) {
    if (error instanceof EntryError || error instanceof UnresolvableError) return unsafe(error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENAMETOOLONG' || code === 'EINVAL') return unsafe(`cannot be put on this file system (${code})`);
    throw error;
  }
};

const writeContent = async (file: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
  try {
    for await (const chunk of content) for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
  } finally {
    closeSync(file);
  }
};

/** Tells which layer it is whose tar is refused. */
const refuseTar = (layer: Digest, cause: TarError): never =>
  cause.malformed
    ? fail('ERR_MANIFEST_INVALID', `layer ${layer} is not a tar archive: it ${cause.why}`, { cause })
    : fail('ERR_LAYER_UNSAFE', `layer ${layer} ${cause.why}`, { cause });

/**
 * Applies a layer's tar to a tree (OCI image specification, layer.md): whiteouts and opaque folders, hard links inside the
 * root, no owners, no times, no set-user and set-group bits. Runs as any user. Nobody else may touch the tree meanwhile.
 * @throws ERR_LAYER_UNSAFE with the layer and the entry, ERR_MANIFEST_INVALID if it is not a tar
 */
export const applyLayer = async (root: string, layer: Digest, tar: AsyncIterable<Uint8Array>, maxEntries: number): Promise<void> => {
  const tree = createLayerTree(root);
  let count = 0;
  try {
    for await (const entry of readTar(tar)) {
      if ((count += 1) > maxEntries) fail('ERR_LAYER_UNSAFE', `layer ${layer} has more than ${maxEntries} entries`);
      const file = forEntry(layer, entry, () => applyEntry(tree, entry));
      if (file !== undefined) await writeContent(file, entry.content);
    }
  } catch (error) {
    if (error instanceof TarError) refuseTar(layer, error);
    throw error;
  }
};
