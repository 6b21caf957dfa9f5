import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const CHUNK = 256 * 1024;

/** A file's bytes; a symbolic link is not followed. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

export async function* bytesOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
