import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, utimes, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, type Digest } from '@pinlane/contracts';
import { chunksOf, createSha256, sha256, type ChunkUse } from '../content/index.ts';
import { hasDigest, hashFor, hexOf, type AnyBlob, type AnyDigest } from './digests.ts';
import { ifThere } from '../files/if-there.ts';
import { renameInto, throughTemporary } from '../files/whole-file.ts';
import type { StorePaths } from './paths.ts';

const SMALL = 1024 * 1024;

const corrupt = (digest: AnyDigest, why: string): never => fail('ERR_STORE_CORRUPT', `blob ${digest} ${why}`);

/** How long garbage collection may take to put a blob back that it should not have taken, in ms. */
const PUT_BACK_MS = 20;

/** Tries once more where a file is not there: garbage collection may be putting it back at this moment. */
const ifThereAgain = async <T>(get: () => Promise<T>): Promise<T | undefined> => {
  const first = await ifThere(get());
  if (first !== undefined) return first;
  await sleep(PUT_BACK_MS);
  return ifThere(get());
};

/** The size of a blob's file in bytes; undefined where there is none. */
export const blobSize = async (paths: StorePaths, digest: AnyDigest): Promise<number | undefined> => (await ifThere(stat(paths.blob(digest))))?.size;

/** Whether a blob is there with the right size, and, where reading it costs next to nothing, with the right bytes. */
export const looksWhole = async (paths: StorePaths, { digest, size }: AnyBlob): Promise<boolean> => {
  if (size > SMALL) return (await blobSize(paths, digest)) === size;
  const bytes = await ifThere(readFile(paths.blob(digest)));
  return bytes !== undefined && bytes.length === size && hasDigest(bytes, digest);
};

/**
 * Whether a blob is there with the right size. Marks it as in use, so that garbage collection leaves it alone for the length of its grace: the mark
 * comes first, so a blob that is seen here stays.
 */
export const claimBlob = async (paths: StorePaths, { digest, size }: AnyBlob): Promise<boolean> => {
  const now = new Date();
  // A store that may only be read can't be marked; nor can it be collected.
  await utimes(paths.blob(digest), now, now).catch(() => undefined);
  return (await blobSize(paths, digest)) === size;
};

/** Those of some blobs that are not there, the others marked as in use. One that garbage collection holds at this moment is waited for. */
export const absentBlobs = async <B extends AnyBlob>(paths: StorePaths, blobs: readonly B[]): Promise<readonly B[]> => {
  const look = async (among: readonly B[]) => {
    const there = await Promise.all(among.map((blob) => claimBlob(paths, blob)));
    return among.filter((_, position) => !there[position]);
  };
  const absent = await look(blobs);
  if (absent.length === 0) return absent;
  await sleep(PUT_BACK_MS);
  return look(absent);
};

// No fsync: a name that was renamed into place is whole after a crash of the process, and what a crash of the machine does to it is found by size
// and hash on reading and made good by building again. Only index.json can't be told wrong from right by a hash; it is synced.
const writeFile = <D extends AnyDigest>(paths: StorePaths, write: (file: FileHandle) => Promise<{ digest: D; size: number }>) =>
  throughTemporary(paths.temporary, write, (temporary, { digest }) => renameInto(temporary, paths.blob(digest)));

/** Writes bytes under a digest that they are known to have. */
export const writeBytes = async <D extends AnyDigest>(paths: StorePaths, bytes: Uint8Array, digest: D): Promise<{ digest: D; size: number }> => {
  const blob = { digest, size: bytes.length };
  if (await claimBlob(paths, blob)) {
    // To read a small one again costs nothing, and mends one that was altered.
    if (bytes.length > SMALL || Buffer.compare((await ifThere(readFile(paths.blob(blob.digest)))) ?? Buffer.alloc(0), bytes) === 0) return blob;
  }
  return writeFile(paths, async (file) => {
    await file.writeFile(bytes);
    return blob;
  });
};

/** Writes a blob, hashed on its way; memory holds one chunk. The digest is known at the end, so the bytes are written even where the blob is there. */
export const writeBlob = async (paths: StorePaths, chunks: AsyncIterable<Uint8Array> | Uint8Array): Promise<{ digest: Digest; size: number }> => {
  if (chunks instanceof Uint8Array) return writeBytes(paths, chunks, sha256(chunks));
  return writeFile(paths, async (file) => {
    const seen = createSha256();
    for await (const chunk of chunks) {
      seen.update(chunk);
      await file.writeFile(chunk);
    }
    return { digest: seen.digest(), size: seen.size };
  });
};

/** A blob's file, to be read and closed; undefined where there is none. */
export const openBlobFile = (paths: StorePaths, digest: AnyDigest): Promise<FileHandle | undefined> => ifThereAgain(() => open(paths.blob(digest)));

/** All of an open blob's bytes, checked. @throws ERR_STORE_CORRUPT at their end */
export async function* checkedChunks(file: FileHandle, digest: AnyDigest, use?: ChunkUse): AsyncGenerator<Uint8Array, void, void> {
  const seen = hashFor(digest);
  for await (const chunk of chunksOf(file, use)) {
    seen.update(chunk);
    yield chunk;
  }
  if (seen.digest('hex') !== hexOf(digest)) corrupt(digest, 'was altered');
}

/** A blob's bytes, checked. @throws ERR_STORE_CORRUPT, at its end at the latest */
export async function* openBlob(paths: StorePaths, blob: AnyBlob, use?: ChunkUse): AsyncGenerator<Uint8Array, void, void> {
  const file = await openBlobFile(paths, blob.digest);
  if (!file) return corrupt(blob.digest, 'is missing');
  try {
    const { size } = await file.stat();
    if (size !== blob.size) corrupt(blob.digest, `has ${size} bytes instead of ${blob.size}`);
    yield* checkedChunks(file, blob.digest, use);
  } finally {
    await file.close();
  }
}

/** A small blob, whole and checked; undefined where it is missing. @throws ERR_STORE_CORRUPT also when it is larger than the limit, in bytes */
export const readBlob = async (paths: StorePaths, digest: AnyDigest, limit: number): Promise<Uint8Array | undefined> => {
  const size = (await ifThereAgain(() => stat(paths.blob(digest))))?.size;
  if (size === undefined) return undefined;
  if (size > limit) corrupt(digest, `has ${size} bytes, more than the ${limit} that are read`);
  const bytes = await ifThereAgain(() => readFile(paths.blob(digest)));
  if (bytes && !hasDigest(bytes, digest)) corrupt(digest, bytes.length === 0 ? 'is empty' : 'was altered or truncated');
  return bytes;
};

/** Takes a blob out of the store, unless it was marked as in use after `before` (ms since the epoch). */
export const removeBlob = async (paths: StorePaths, digest: AnyDigest, aside: string, before: number): Promise<boolean> => {
  const path = paths.blob(digest);
  if ((await ifThere(rename(path, aside).then(() => true))) === undefined) return false;
  // From here on nobody finds it; who marked it before is seen in its time.
  if ((await stat(aside)).mtimeMs < before) return true;
  await rename(aside, path);
  return false;
};

/** Takes a blob out of the store whose bytes do not have its digest, if they do not: whoever asks before a push must not hear that it is there. */
export const removeIfDamaged = async (paths: StorePaths, digest: AnyDigest): Promise<void> => {
  const file = await openBlobFile(paths, digest);
  if (!file) return;
  try {
    const hash = hashFor(digest);
    for await (const chunk of chunksOf(file, { lent: true })) hash.update(chunk);
    if (hash.digest('hex') === hexOf(digest)) return;
    const aside = join(paths.temporary, `damaged-${randomUUID()}`);
    await mkdir(paths.temporary, { recursive: true });
    if ((await ifThere(rename(paths.blob(digest), aside).then(() => true))) === undefined) return;
    // Somebody may have put it right since it was read.
    if ((await stat(aside)).ino === (await file.stat()).ino) await rm(aside, { force: true });
    else await rename(aside, paths.blob(digest));
  } finally {
    await file.close();
  }
};
