import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fail } from '@pinlane/contracts';
import { chunksOf, type ChunkUse } from '../content/index.ts';
import { readSmallFile } from '../files/index.ts';

/** Of a Dockerfile or a .dockerignore, in bytes. */
const LARGEST_TEXT = 4 * 1024 * 1024;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a regular file; nothing else is waited for, such as a pipe.
 * @param what its name in messages
 * @throws ERR_CONTEXT_INVALID if it is something else, too large or not UTF-8
 */
export const readText = (path: string, what: string): string => {
  const file = readSmallFile(path, LARGEST_TEXT, { links: false });
  if (file.kind === 'special') return fail('ERR_CONTEXT_INVALID', `${what} is not a file`);
  if (file.kind === 'large') return fail('ERR_CONTEXT_INVALID', `${what} is larger than ${LARGEST_TEXT} bytes`);
  try {
    return strict.decode(file.bytes);
  } catch (cause) {
    return fail('ERR_CONTEXT_INVALID', `${what} is not UTF-8`, { cause, fix: 'Save it as UTF-8.' });
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
