import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { open, rename, rm, stat, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, isPinlaneError, type Digest } from '@pinlane/contracts';
import { chunksOf, createSha256, sha256, whileWanted, type ChunkUse, type FilePart } from '../content/index.ts';
import { hasDigest, hashFor, hexOf, type AnyBlob, type AnyDigest } from './digests.ts';
import { fileState, isSettled, markUsed } from '../files/file-state.ts';
import { ifThere, isMissing, statIfThere } from '../files/if-there.ts';
import { readSmallFile, type SmallFile } from '../files/small-file.ts';
import { renameInto, throughTemporary } from '../files/whole-file.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { StorePaths } from './paths.ts';

const SMALL = 1024 * 1024;

const corrupt = (digest: AnyDigest, why: string): never => fail('ERR_STORE_CORRUPT', `blob ${digest} ${why}`);

/** How long garbage collection may take to put a blob back that came into use, in ms. */
const PUT_BACK_MS = 20;

/** Tries once more if a file is missing, because garbage collection may be putting it back at this moment. */
const ifThereAgain = async <T>(get: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> => {
  const first = await get();
  if (first !== undefined) return first;
  await sleep(PUT_BACK_MS);
  return get();
};

/** The size of a blob's file in bytes; undefined if there is none. */
export const blobSize = (paths: StorePaths, digest: AnyDigest): number | undefined => statIfThere(paths.blob(digest))?.size;

/** Whether a blob's file is there with the right size. */
export const isHere = (paths: StorePaths, { digest, size }: AnyBlob): boolean => blobSize(paths, digest) === size;

/** Whether a blob is so small that it is read at once. */
export const isSmall = ({ size }: Pick<AnyBlob, 'size'>): boolean => size <= SMALL;

/** Small blobs that this process has read and checked, in all stores: the images of a run share bases, and each of their documents is asked for many times. */
const checkedBytes = new Map<string, Uint8Array>();
let checkedSize = 0;

/** So many bytes of them are kept, in all: what one processor has is asked for within moments, and what all share is soon read again. */
const CHECKED_AT_MOST = 4 * 1024 * 1024;

const keepChecked = (state: string, bytes: Uint8Array): void => {
  if (checkedBytes.has(state)) return;
  checkedBytes.set(state, bytes);
  checkedSize += bytes.length;
  for (const [oldest, { length }] of checkedBytes) {
    if (checkedSize <= CHECKED_AT_MOST) return;
    checkedBytes.delete(oldest);
    checkedSize -= length;
  }
};

const smallIfThere = (path: string, limit: number): SmallFile | undefined => {
  try {
    return readSmallFile(path, limit);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/**
 * The bytes of a small blob whose file was found, checked; undefined if it is missing by now. A file that is as it was when it was checked is not read again.
 * At once, and not by way of threads, which takes several times as long as the reading. @throws ERR_STORE_CORRUPT
 */
const checked = async (path: string, digest: AnyDigest, found: Stats): Promise<Uint8Array | undefined> => {
  const state = fileState(path, found);
  const known = checkedBytes.get(state);
  if (known !== undefined) return known;
  const file = await ifThereAgain(() => smallIfThere(path, found.size));
  if (file?.kind === 'special') return corrupt(digest, 'is not a file');
  const bytes = file?.kind === 'large' ? corrupt(digest, 'was altered') : file?.bytes;
  if (bytes && !hasDigest(bytes, digest)) corrupt(digest, bytes.length === 0 ? 'is empty' : 'was altered or truncated');
  if (bytes && isSettled(path, found)) keepChecked(state, bytes);
  return bytes;
};

/** A small blob, whole and checked; undefined if it is missing. @throws ERR_STORE_CORRUPT if it is damaged, or larger than the limit, in bytes */
export const readBlob = async (paths: StorePaths, digest: AnyDigest, limit: number): Promise<Uint8Array | undefined> => {
  const path = paths.blob(digest);
  const found = await ifThereAgain(() => statIfThere(path));
  if (found === undefined) return undefined;
  if (found.size > limit) corrupt(digest, `has ${found.size} bytes, more than the ${limit} that are read`);
  return checked(path, digest, found);
};

/** Whether a blob is there with the right size and, if it is small enough to read at little cost, with the right bytes. */
export const looksWhole = async (paths: StorePaths, blob: AnyBlob): Promise<boolean> => {
  if (!isSmall(blob)) return isHere(paths, blob);
  const { digest, size } = blob;
  const path = paths.blob(digest);
  const found = statIfThere(path);
  if (found?.size !== size) return false;
  try {
    return (await checked(path, digest, found)) !== undefined;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_STORE_CORRUPT')) return false;
    throw error;
  }
};

/** Files that had the bytes of their digest, each with the state that it was in. One memory serves all images of a run: they share bases. */
export type HashedFiles = Set<string>;

/**
 * Whether a blob is there with the right size. It is first marked as in use, so that garbage collection leaves it alone for its grace time; so a blob that is
 * found here stays.
 */
export const claimBlob = (paths: StorePaths, { digest, size }: AnyBlob): boolean => markUsed(paths.blob(digest))?.size === size;

/** The blobs that are missing; the others are marked as in use. If garbage collection is putting one back at this moment, that is waited for. */
export const absentBlobs = async <B extends AnyBlob>(paths: StorePaths, blobs: readonly B[]): Promise<readonly B[]> => {
  const look = (among: readonly B[]) => among.filter((blob) => !claimBlob(paths, blob));
  const absent = look(blobs);
  if (absent.length === 0) return absent;
  await sleep(PUT_BACK_MS);
  return look(absent);
};

// Not writeFileAtomic, which syncs a small file whose path is known. A blob is streamed, and its digest, and thus its path, is known at the end. It need not be
// synced either: a file that was renamed into place survives a crash of the process, and damage by a crash of the machine is found by size and hash when it is
// read, and mended by building again.
const writeFile = <D extends AnyDigest>(paths: StorePaths, write: (file: FileHandle) => Promise<{ digest: D; size: number }>) =>
  throughTemporary(paths.temporary, write, (temporary, { digest }) => renameInto(temporary, paths.blob(digest)));

/** Writes bytes under a digest that they are known to have. */
export const writeBytes = async <D extends AnyDigest>(paths: StorePaths, bytes: Uint8Array, digest: D): Promise<{ digest: D; size: number }> => {
  const blob = { digest, size: bytes.length };
  if (claimBlob(paths, blob)) {
    // Comparing a small blob costs little, and a blob that was altered is written anew.
    if (bytes.length > SMALL || Buffer.compare((await ifThere(readFile(paths.blob(blob.digest)))) ?? Buffer.alloc(0), bytes) === 0) return blob;
  }
  return writeFile(paths, async (file) => {
    await file.writeFile(bytes);
    return blob;
  });
};

/** Writes a blob and hashes it on its way; memory holds one chunk. Since the digest is known only at the end, the bytes are written even if the blob is there. */
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

/** Opens a blob's file, which the caller closes; undefined if there is none. A pipe in its place is not waited for, and has no bytes. */
export const openBlobFile = (paths: StorePaths, digest: AnyDigest): Promise<FileHandle | undefined> =>
  ifThereAgain(() => ifThere(open(paths.blob(digest), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))));

/** Reads all bytes of an open blob and checks them. @throws ERR_STORE_CORRUPT at their end */
export async function* checkedChunks(file: FileHandle, digest: AnyDigest, use?: FilePart): AsyncGenerator<Uint8Array, void, void> {
  const seen = hashFor(digest);
  for await (const chunk of chunksOf(file, use)) {
    seen.update(chunk);
    yield chunk;
  }
  if (seen.digest('hex') !== hexOf(digest)) corrupt(digest, 'was altered');
}

/** @throws ERR_STORE_CORRUPT */
const requireSize = (blob: AnyBlob, size: number): void => {
  if (size !== blob.size) corrupt(blob.digest, `has ${size} bytes instead of ${blob.size}`);
};

/** The one chunk of a small blob. */
async function* openSmall(paths: StorePaths, blob: AnyBlob): AsyncGenerator<Uint8Array, void, void> {
  const path = paths.blob(blob.digest);
  const found = await ifThereAgain(() => statIfThere(path));
  if (found) requireSize(blob, found.size);
  const bytes = found && (await checked(path, blob.digest, found));
  if (!bytes) return corrupt(blob.digest, 'is missing');
  if (bytes.length > 0) yield bytes;
}

/** Reads a blob's bytes and checks them. @throws ERR_STORE_CORRUPT, at their end at the latest */
export async function* openBlob(paths: StorePaths, blob: AnyBlob, use?: ChunkUse): AsyncGenerator<Uint8Array, void, void> {
  if (isSmall(blob)) return yield* openSmall(paths, blob);
  const file = await openBlobFile(paths, blob.digest);
  if (!file) return corrupt(blob.digest, 'is missing');
  try {
    const { size } = await file.stat();
    requireSize(blob, size);
    yield* checkedChunks(file, blob.digest, { ...use, size });
  } finally {
    await file.close();
  }
}

/** Whether a blob is there with the right bytes. A file that was hashed before is read again only if it changed. */
export const hasItsBytes = async (paths: StorePaths, blob: AnyBlob, hashed: HashedFiles, signal?: AbortSignal): Promise<boolean> => {
  const path = paths.blob(blob.digest);
  const found = statIfThere(path);
  if (found?.size !== blob.size) return false;
  const state = fileState(path, found);
  if (hashed.has(state)) return true;
  try {
    for await (const _ of whileWanted(openBlob(paths, blob, { lent: true }), signal));
  } catch (error) {
    if (!isPinlaneError(error) || error.code === 'ERR_CANCELLED') throw error;
    return false;
  }
  hashed.add(state);
  return true;
};

/** Moves a blob out of the store to the path `aside`, unless it was marked as in use after `before`, in ms since the epoch. */
export const removeBlob = async (paths: StorePaths, digest: AnyDigest, aside: string, before: number): Promise<boolean> => {
  const path = paths.blob(digest);
  if ((await ifThere(rename(path, aside).then(() => true))) === undefined) return false;
  // Nobody finds the blob from here on. If it was marked before that, its time shows it.
  if ((await stat(aside)).mtimeMs < before) return true;
  await rename(aside, path);
  return false;
};

/** Removes a blob if its bytes do not have its digest, so that a client which asks before a push is not told that it is there. */
export const removeIfDamaged = async (paths: StorePaths, digest: AnyDigest): Promise<void> => {
  const file = await openBlobFile(paths, digest);
  if (!file) return;
  try {
    const hash = hashFor(digest);
    for await (const chunk of chunksOf(file, { lent: true })) hash.update(chunk);
    if (hash.digest('hex') === hexOf(digest)) return;
    const aside = join(paths.temporary, `damaged-${randomUUID()}`);
    await makeFolder(paths.temporary);
    if ((await ifThere(rename(paths.blob(digest), aside).then(() => true))) === undefined) return;
    // Another process may have mended the blob since it was read.
    if ((await stat(aside)).ino === (await file.stat()).ino) await rm(aside, { force: true });
    else await rename(aside, paths.blob(digest));
  } finally {
    await file.close();
  }
};
