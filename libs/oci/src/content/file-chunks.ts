import type { FileHandle } from 'node:fs/promises';

const CHUNK = 256 * 1024;
const LEAST = 4096;

/** How long the chunks of a stream are used. */
export interface ChunkUse {
  /**
   * Lets all chunks share one buffer. This spares memory for a caller that hashes or copies each chunk before it asks for the next; a caller that keeps
   * chunks must not set it.
   */
  readonly lent?: boolean;
}

export interface FilePart extends ChunkUse {
  /** Where the part begins, in bytes; 0 if absent. */
  readonly start?: number;
  /** The most that is read, in bytes; to the end if absent. */
  readonly length?: number;
  /** How large the file is, in bytes, if that is known: no buffer is larger than what it takes to read it. It may be larger or smaller by now. */
  readonly size?: number;
}

/**
 * Reads a part of an open file in chunks. V8 frees large buffers late, and a fast disk fills more than 64 MB of them meanwhile; `lent` avoids that.
 */
export async function* chunksOf(
  file: FileHandle,
  { start = 0, length = Infinity, size = Infinity, lent = false }: FilePart = {},
): AsyncGenerator<Uint8Array, void, void> {
  // A little more than the file has, so that a second look finds its end.
  const most = Math.min(CHUNK, length, Math.max(size + 1, LEAST));
  const allocate = () => Buffer.allocUnsafe(most);
  const shared = lent ? allocate() : undefined;
  for (let position = start, left = length; left > 0;) {
    const { bytesRead, buffer } = await file.read(shared ?? allocate(), 0, Math.min(most, left), position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
  }
}
