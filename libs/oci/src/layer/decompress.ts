// Imported as a namespace, because older Nodes have no zstd: they would not load a module that imports a missing name.
import * as zlib from 'node:zlib';
import type { Transform } from 'node:stream';
import { broken, PackingError } from './packing-error.ts';
import { zstdFrames } from './zstd-frames.ts';

const CHUNK = 256 * 1024;

/** Whether this Node can unpack zstd; the first that can is 22.15. */
export const hasZstd = (): boolean => typeof zlib.createZstdDecompress === 'function';

type Unpacker = Transform & { readonly bytesWritten: number };

/** Whatever follows the last member of gzip has to be padding. */
const requireZeroes = (rest: Uint8Array): void => {
  if (rest.some((byte) => byte !== 0)) broken('have something else than zeroes behind their end');
};

/** Writes chunks into an unpacker, each when it is done with the one before. What it leaves of them, because it has come to the end, is to be padding. */
const feed = async (unpacker: Unpacker, chunks: AsyncIterable<Uint8Array>): Promise<void> => {
  let over = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      resolve();
    };
    unpacker.once('end', end).once('close', end);
  });
  for await (const chunk of chunks) {
    if (unpacker.destroyed && !unpacker.readableEnded) return;
    if (over) {
      requireZeroes(chunk);
      continue;
    }
    const before = unpacker.bytesWritten;
    await Promise.race([new Promise<void>((resolve) => void unpacker.write(chunk, () => resolve())), ended]);
    if (unpacker.errored) return;
    // It takes all of a chunk unless it has come to the end, of which its readers may be told only later.
    requireZeroes(chunk.subarray(unpacker.bytesWritten - before));
  }
  if (!over) unpacker.end();
};

async function* through(unpacker: Unpacker, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  // An error of the source has to reach whoever reads. It may come before that is reached; without a listener it would end the process.
  unpacker.on('error', () => undefined);
  const fed = feed(unpacker, chunks).then(
    () => undefined,
    (error: unknown) => {
      unpacker.destroy(error as Error);
      return { error };
    },
  );
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
    const failure = await fed;
    if (failure) throw failure.error;
  } finally {
    // If nobody reads on, this ends the feeding, which lets the source go.
    unpacker.destroy();
  }
}

/** A small frame may be unpacked to this size, in bytes, at one go; that takes half the time of a stream, and some layers have a frame for each file. */
const AT_ONE_GO = 1024 * 1024;

/** Most small frames hold no more bytes than this. Node makes room for so many before it begins, and by its default for four times as many. */
const PIECE = 4 * 1024;

/** What is in a small frame; undefined if that is much. */
const unpackSmall = (frame: Uint8Array): Uint8Array | undefined => {
  try {
    return zlib.zstdDecompressSync(frame, { maxOutputLength: AT_ONE_GO, chunkSize: PIECE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
};

async function* oneChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield chunk;
}

async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const frame of zstdFrames(chunks)) {
    const small = 'whole' in frame ? unpackSmall(frame.whole) : undefined;
    if (small === undefined) yield* through(zlib.createZstdDecompress({ chunkSize: CHUNK }), 'whole' in frame ? oneChunk(frame.whole) : frame.parts);
    else if (small.length > 0) yield small;
  }
}

/**
 * What is packed in a stream, to its very end: all members of gzip (RFC 1952, section 2.2), zeroes behind the last of which are padding, or all frames of zstd. Chunks may
 * be lent.
 * @throws PackingError if it is not packed so, is cut off, or goes on with something else; TypeError for zstd if this Node has none; what the source throws
 */
export async function* decompressed(packing: 'gzip' | 'zstd', chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  try {
    if (packing === 'gzip') yield* through(zlib.createGunzip({ chunkSize: CHUNK }), chunks);
    else yield* unzstd(chunks);
  } catch (error) {
    if (!/^Z(?:STD)?_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new PackingError(`are damaged: ${(error as Error).message}`, error);
  }
}
