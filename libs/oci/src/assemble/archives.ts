import * as zlib from 'node:zlib';
import { Readable } from 'node:stream';
import { fail, isPinlaneError } from '@pinlane/contracts';
import type { ChunkUse } from '../content/index.ts';
import { readTar, UNPACK_LIMITS, type TarEntry } from '../layer/index.ts';
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

/** What Docker's ADD takes a file for, by its first 512 bytes: anything packed may be an archive, and so may a tar. */
const packingOf = (head: Uint8Array): Packing | undefined => {
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

/** What is packed in a file; it may grow as far as a layer may. @throws ERR_LAYER_UNSAFE for a bomb or a damaged file, ERR_DOCKERFILE_UNSUPPORTED */
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

/** How an archive is packed; undefined for a file that Docker copies as it is, such as one packed with gzip that is no tar. @throws ERR_DOCKERFILE_UNSUPPORTED */
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
