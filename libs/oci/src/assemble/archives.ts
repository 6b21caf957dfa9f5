import { fail, isPinlaneError } from '@pinlane/contracts';
import type { ChunkUse } from '../content/index.ts';
import { decompressed, hasZstd, PackingError, readTar, UNPACK_LIMITS, type TarEntry } from '../layer/index.ts';
import { TarError } from '../layer/tar-fields.ts';
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

const LONGEST_MAGIC = 6;

/** A frame of zstd that is skipped may come first (RFC 8878, 3.1.2). */
const isSkippable = ([first = 0, ...rest]: Uint8Array): boolean => (first & 0xf0) === 0x50 && [0x2a, 0x4d, 0x18].every((byte, at) => rest[at] === byte);

/** How a file is packed, by its first bytes; `tar` if it is not. */
const packingOf = (head: Uint8Array): Packing => {
  if (isSkippable(head)) return 'zstd';
  return MAGIC.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0] ?? 'tar';
};

/** Whether bytes are a tar as BuildKit finds it out: by reading its first entry, whatever form its headers have. */
const isTar = async (chunks: AsyncIterable<Uint8Array>): Promise<boolean> => {
  try {
    for await (const _ of readTar(chunks)) return true;
    return false;
  } catch (error) {
    if (error instanceof TarError) return !error.malformed;
    throw error;
  }
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

/** The first bytes, as many as tell how a file is packed, or all if there are fewer. */
const headOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= LONGEST_MAGIC) break;
  }
  return Buffer.concat(parts).subarray(0, LONGEST_MAGIC);
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
  try {
    return (await isTar(unpacked(packing, file, path, (each) => inPieces(open(each))))) ? packing : undefined;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_LAYER_UNSAFE')) return undefined;
    throw error;
  }
};

/** The entries of an archive of the context, in its order. @throws ERR_LAYER_UNSAFE, also while the content of one is read */
export const archiveEntries = (packing: Packing, file: FileNode, path: string, open: OpenFile): AsyncGenerator<TarEntry, void, void> =>
  readTar(unpacked(packing, file, path, open));
