import { fail } from '@pinlane/contracts';
import { readAll, whileWanted, type BlobSource, type ChunkUse } from '../content/index.ts';
import type { BuildContext } from '../context/index.ts';
import { bytesOnce } from '../context/files.ts';
import type { LayerCache } from '../layer/index.ts';
import type { OpenFile } from './archives.ts';
import { isPackedFile, unpackFiles } from './layer-files.ts';
import { FileTree, newFolder, type FileNode } from './tree.ts';
import type { ReadText } from './users.ts';

/** Where the bytes of files come from during a build. */
export interface FileBytes {
  /** The build context, all of it owned by root, as COPY takes it. */
  readonly context: FileTree;
  /** Gives the bytes of a file that is not packed: of the context, or of the Dockerfile itself. */
  readonly open: OpenFile;
  /** Reads a small file, wherever it is. @throws ERR_MANIFEST_INVALID if it is too large */
  readonly readText: ReadText;
  /** Lends what gives the bytes of all these files, for as long as the work takes; those that are packed are unpacked first. */
  withFiles<T>(files: readonly FileNode[], work: (open: OpenFile) => Promise<T>): Promise<T>;
}

/** In bytes, of a file that names users or groups. */
const LARGEST_TEXT = 4 * 1024 * 1024;

const contextTree = ({ entries, odd }: BuildContext): FileTree => {
  const tree = new FileTree();
  // They are sorted, so that a folder comes before what is in it.
  for (const { path, type, mode, size, sha256, linkTarget } of entries) {
    const owned = { mode, uid: 0, gid: 0 };
    if (type === 'directory') tree.put(path, newFolder(owned));
    else if (type === 'symlink') tree.put(path, { ...owned, type, target: linkTarget! });
    else tree.put(path, { ...owned, type, size, sha256: sha256!, source: { kind: 'context', path }, attributes: false });
  }
  for (const { path, why } of odd) tree.put(path, { type: 'special', mode: 0, uid: 0, gid: 0, why });
  return tree;
};

/** @param layers gives the layers of the images that files are taken from */
export const openFileBytes = (from: BuildContext, layers: BlobSource, cache: LayerCache, signal: AbortSignal): FileBytes => {
  const context = contextTree(from);

  const open = ({ source }: FileNode, use?: ChunkUse): AsyncIterable<Uint8Array> => {
    if (source.kind === 'inline') return bytesOnce(Buffer.from(source.text));
    return source.kind === 'context' ? whileWanted(from.open(source.path, use), signal) : fail('ERR_INTERNAL', `${source.path} was not unpacked`);
  };

  const withFiles = <T>(files: readonly FileNode[], work: (open: OpenFile) => Promise<T>): Promise<T> => {
    const packed = files.filter(isPackedFile);
    if (packed.length === 0) return work(open);
    return cache.withFolder(async (folder) => {
      const openUnpacked = await unpackFiles({ layers, context, open }, packed, folder);
      return work((file, use) => (isPackedFile(file) ? openUnpacked : open)(file, use));
    });
  };

  const readText = (file: FileNode): Promise<string> =>
    withFiles([file], async (openIt) => Buffer.from(await readAll(openIt(file), LARGEST_TEXT, 'a file that names users or groups')).toString('utf8'));

  return { context, open, readText, withFiles };
};
