import type { FileHandle } from 'node:fs/promises';

const CHUNK = 256 * 1024;

/** How a stream's chunks may be used. */
export interface ChunkUse {
  /** Each chunk is good only until the next is asked for: whoever hashes or copies it on the spot spares memory, whoever keeps it must not ask for this. */
  readonly lent?: boolean;
}

export interface FilePart extends ChunkUse {
  /** In bytes. */
  readonly start?: number;
  /** At most so many bytes. */
  readonly length?: number;
}

/**
 * A part of an open file, in chunks. V8 takes large buffers back late, and a fast disk fills more than 64 MB of them meanwhile: lent chunks share one.
 */
export async function* chunksOf(file: FileHandle, { start = 0, length = Infinity, lent = false }: FilePart = {}): AsyncGenerator<Uint8Array, void, void> {
  const allocate = () => Buffer.allocUnsafe(Math.min(CHUNK, length));
  const shared = lent ? allocate() : undefined;
  for (let position = start, left = length; left > 0;) {
    const { bytesRead, buffer } = await file.read(shared ?? allocate(), 0, Math.min(CHUNK, left), position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
  }
}
