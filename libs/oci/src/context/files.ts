import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { chunksOf, type ChunkUse } from '../content/index.ts';

/** A file's bytes; a symbolic link is not followed. */
export async function* fileChunks(path: string, use?: ChunkUse): AsyncGenerator<Uint8Array, void, void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    yield* chunksOf(file, use);
  } finally {
    await file.close();
  }
}

export async function* bytesOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
