import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { chunksOf, type ChunkUse } from '../content/index.ts';

/** A file's bytes. @throws ELOOP for a symbolic link, which is not followed */
export async function* fileChunks(path: string, use?: ChunkUse): AsyncGenerator<Uint8Array, void, void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    yield* chunksOf(file, use);
  } finally {
    await file.close();
  }
}

/** Bytes as a stream of one chunk. */
export async function* bytesOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
