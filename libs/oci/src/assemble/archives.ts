import * as zlib from 'node:zlib';
import { Readable } from 'node:stream';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { createSha256, type ChunkUse } from '../content/index.ts';
import { readTar, type TarEntry } from '../layer/index.ts';
import { cleanTarPath } from '../layer/listing.ts';
import { UNPACK_LIMITS } from '../layer/tar-bytes.ts';
import { ROOT, type Changes, type Owner } from './changes.ts';
import type { FileNode, FileTree, Node } from './tree.ts';

/** The bytes of a file of the context. */
export type OpenFile = (file: FileNode, use?: ChunkUse) => AsyncIterable<Uint8Array>;

/** How a file is packed, by its first bytes; those of a tar are the ones that Docker's ADD unpacks. */
export type Packing = 'tar' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Undefined for a file that is no archive. `head`: 512 bytes where there are so many. */
export const packingOf = (head: Uint8Array): Packing | undefined => {
  const magic = MAGIC.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0];
  return magic ?? (Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar' ? 'tar' : undefined);
};

const unpackerOf = (packing: Packing, path: string) => {
  if (packing === 'gzip') return zlib.createGunzip();
  if (packing === 'zstd' && typeof zlib.createZstdDecompress === 'function') return zlib.createZstdDecompress();
  return fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${path}: Docker would unpack it, and the embedded engine does not unpack ${packing}`, {
    fix: 'Pack it with gzip, use COPY to take the archive as it is, or build with Docker: --engine=docker.',
  });
};

/** The tar in a file, which may not grow beyond what a layer may. @throws ERR_LAYER_UNSAFE for a bomb, ERR_DOCKERFILE_UNSUPPORTED */
async function* unpacked(packing: Packing, file: FileNode, path: string, open: OpenFile): AsyncGenerator<Uint8Array, void, void> {
  if (packing === 'tar') return yield* open(file);
  const unpacker = unpackerOf(packing, path);
  const source = Readable.from(open(file), { objectMode: false });
  source.once('error', (error) => unpacker.destroy(error));
  unpacker.once('close', () => source.destroy());
  const { layerBytes, ratio, ratioFromBytes } = UNPACK_LIMITS;
  let size = 0;
  try {
    for await (const chunk of source.pipe(unpacker)) {
      size += (chunk as Buffer).length;
      if (size > layerBytes || (size > ratioFromBytes && size > file.size * ratio))
        fail('ERR_LAYER_UNSAFE', `ADD ${path}: the archive unpacks to more than it should`);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!/^Z(?:STD)?_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    fail('ERR_LAYER_UNSAFE', `ADD ${path}: the archive is damaged`, { cause: error });
  }
}

const headOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(chunk);
    if (parts.reduce((sum, part) => sum + part.length, 0) >= 512) break;
  }
  return Buffer.concat(parts);
};

/** How an archive is packed; undefined for a file that Docker would copy as it is, such as one packed with gzip that is no tar. @throws ERR_DOCKERFILE_UNSUPPORTED */
export const archivePacking = async (file: FileNode, path: string, open: OpenFile): Promise<Packing | undefined> => {
  const packing = packingOf(await headOf(open(file)));
  if (packing === undefined || packing === 'tar') return packing;
  try {
    return packingOf(await headOf(unpacked(packing, file, path, open))) === 'tar' ? packing : undefined;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_LAYER_UNSAFE')) return undefined;
    throw error;
  }
};

/** The entries of an archive of the context, in its order. @throws ERR_LAYER_UNSAFE, also while the content of one is read */
export const archiveEntries = (packing: Packing, file: FileNode, path: string, open: OpenFile): AsyncGenerator<TarEntry, void, void> =>
  readTar(unpacked(packing, file, path, open));

export interface Extraction {
  readonly packing: Packing;
  readonly file: FileNode;
  /** In the context. */
  readonly path: string;
  readonly open: OpenFile;
  readonly to: FileTree;
  readonly changes: Changes;
  /** The folder it is unpacked into, links followed. */
  readonly target: string;
  /** Of folders that have to be made for it; what is in the archive keeps its owners. */
  readonly owner: Owner;
}

const refuse = (path: string, name: string, why: string): never => fail('ERR_LAYER_UNSAFE', `ADD ${path}: ${JSON.stringify(name.slice(0, 200))} ${why}`);

const hashOf = async (chunks: AsyncIterable<Uint8Array>) => {
  const seen = createSha256();
  for await (const chunk of chunks) seen.update(chunk);
  return { size: seen.size, sha256: seen.digest() };
};

/** One entry as a node; undefined for a folder, which keeps what is in it. */
const nodeOf = async (entry: TarEntry, number: number, { path, to, target, changes }: Extraction): Promise<Node | undefined> => {
  const { type, mode, uid, gid, name, linkName } = entry;
  if (type === 'directory') return undefined;
  if (type === 'special') return refuse(path, name, 'is a device, a pipe or a socket');
  if (entry.attributes) return fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${path}: ${name} has extended attributes, which the embedded engine cannot carry over`);
  if (type === 'symlink') return { type, mode: 0o777, uid, gid, target: linkName };
  if (type === 'file') return { type, mode, uid, gid, ...(await hashOf(entry.content)), source: { kind: 'archive', path, entry: number }, attributes: false };
  const first = [target, cleanTarPath(linkName)].filter(Boolean).join('/');
  const there = to.get(first);
  if (there?.type !== 'file') return refuse(path, name, `is a link to ${linkName}, which is not a file before it`);
  if (there.linked && there.mode === mode && there.uid === uid && there.gid === gid) return there;
  // The last header counts for all names of a file.
  const linked: FileNode = { ...there, mode, uid, gid, linked: true };
  changes.replace(first, linked);
  return linked;
};

/**
 * Unpacks an archive of the context as ADD does, without writing a file: owners, modes and links as they are in it, what is in the way of
 * something else gives way, folders that are there take its mode and owner.
 * @throws ERR_LAYER_UNSAFE with the entry that is not to be trusted, ERR_DOCKERFILE_UNSUPPORTED
 */
export const extractInto = async (extraction: Extraction): Promise<void> => {
  const { packing, file, path, open, to, changes, target, owner } = extraction;
  changes.makeFolders(target, owner);
  let number = -1;
  for await (const entry of archiveEntries(packing, file, path, open)) {
    number += 1;
    const clean = cleanTarPath(entry.name);
    if (clean === undefined) continue;
    if (clean.split('/').some((part) => part.startsWith('.wh.'))) refuse(path, entry.name, 'is a name that takes files away in an image');
    const slash = clean.lastIndexOf('/');
    const folder = to.resolve([target, clean.slice(0, Math.max(slash, 0))].filter(Boolean).join('/'));
    changes.makeFolders(folder, ROOT);
    const place = [folder, clean.slice(slash + 1)].filter(Boolean).join('/');
    const { mode, uid, gid } = entry;
    const node = await nodeOf(entry, number, extraction);
    if (node === undefined) changes.overFolder(place, { mode, uid, gid });
    else changes.replace(place, node);
  }
};
