import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fail } from '@pinlane/contracts';
import { chunksOf, type ChunkUse } from '../content/index.ts';

/** Of a Dockerfile or a .dockerignore, in bytes. */
const LARGEST_TEXT = 4 * 1024 * 1024;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a regular file; nothing else is waited for, such as a pipe.
 * @param what its name in messages
 * @throws ERR_CONTEXT_INVALID if it is something else, too large or not UTF-8; ELOOP for a symbolic link, which is not followed
 */
export const readText = async (path: string, what: string): Promise<string> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return fail('ERR_CONTEXT_INVALID', `${what} is not a file`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(file, { length: LARGEST_TEXT + 1, size: stats.size })) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (bytes.length > LARGEST_TEXT) fail('ERR_CONTEXT_INVALID', `${what} is larger than ${LARGEST_TEXT} bytes`);
    return strict.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return fail('ERR_CONTEXT_INVALID', `${what} is not UTF-8`, { cause, fix: 'Save it as UTF-8.' });
  } finally {
    await file.close();
  }
};

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
