import { fail, isPinlaneError } from '@pinlane/contracts';
import type { ChunkUse } from '../content/index.ts';
import { decompressed, hasZstd, PackingError, readTar, UNPACK_LIMITS, type TarEntry } from '../layer/index.ts';
import type { FileNode } from './tree.ts';

/** Gives a file's bytes. */
export type OpenFile = (file: FileNode, use?: ChunkUse) => AsyncIterable<Uint8Array>;

/** How an archive is packed. `tar` is not packed at all. */
export type Packing = 'tar' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** A frame of zstd that is to be skipped may come first (RFC 8878, section 3.1.2): its number ends with any digit. */
const isSkippable = (head: Uint8Array): boolean => head.length >= 8 && head[0]! >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;

/** What Docker's ADD takes a file for, by its first 512 bytes: anything packed may be an archive, and so may a tar. */
const packingOf = (head: Uint8Array): Packing | undefined => {
  const magic = MAGIC.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0] ?? (isSkippable(head) ? 'zstd' : undefined);
  return magic ?? (Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar' ? 'tar' : undefined);
};

const unsupported = (packing: Packing, path: string): never =>
  fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${path}: Docker would unpack it, and the embedded engine does not unpack ${packing}`, {
    fix: 'Pack it with gzip, use COPY to take the archive as it is, or build with Docker: --engine=docker.',
  });

/** What is packed in a file; it may grow as far as a layer may. @throws ERR_LAYER_UNSAFE for a bomb or a damaged file, ERR_DOCKERFILE_UNSUPPORTED */
async function* unpacked(packing: Packing, file: FileNode, path: string, open: OpenFile): AsyncGenerator<Uint8Array, void, void> {
  if (packing === 'tar') return yield* open(file);
  if (packing === 'bzip2' || packing === 'xz' || (packing === 'zstd' && !hasZstd())) return unsupported(packing, path);
  const { layerBytes, ratio, ratioFromBytes } = UNPACK_LIMITS;
  let size = 0;
  try {
    for await (const chunk of decompressed(packing, open(file))) {
      size += chunk.length;
      if (size > layerBytes || (size > ratioFromBytes && size > file.size * ratio))
        fail('ERR_LAYER_UNSAFE', `ADD ${path}: the archive unpacks to more than it should`);
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof PackingError)) throw error;
    fail('ERR_LAYER_UNSAFE', `ADD ${path}: the bytes of the archive ${error.why}`, { cause: error });
  }
}

/** The first 512 bytes, or all if there are fewer. */
const headOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= 512) break;
  }
  return Buffer.concat(parts);
};

/** In bytes. */
const [PIECE, IN_PIECES] = [4, 4096];

/** The same bytes, the first few in small pieces: what is unpacked of a piece is lost if the same piece turns out to be damaged. */
async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let left = IN_PIECES;
  for await (const chunk of chunks) {
    let at = 0;
    for (; at < chunk.length && left > 0; at += PIECE, left -= PIECE) yield chunk.subarray(at, at + PIECE);
    if (at < chunk.length) yield chunk.subarray(at);
  }
}

/** How an archive is packed; undefined for a file that Docker copies as it is, such as one packed with gzip that is no tar. @throws ERR_DOCKERFILE_UNSUPPORTED */
export const archivePacking = async (file: FileNode, path: string, open: OpenFile): Promise<Packing | undefined> => {
  const packing = packingOf(await headOf(open(file)));
  if (packing === undefined || packing === 'tar') return packing;
  try {
    return packingOf(await headOf(unpacked(packing, file, path, (each) => inPieces(open(each))))) === 'tar' ? packing : undefined;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_LAYER_UNSAFE')) return undefined;
    throw error;
  }
};

/** The entries of an archive of the context, in its order. @throws ERR_LAYER_UNSAFE, also while the content of one is read */
export const archiveEntries = (packing: Packing, file: FileNode, path: string, open: OpenFile): AsyncGenerator<TarEntry, void, void> =>
  readTar(unpacked(packing, file, path, open));
