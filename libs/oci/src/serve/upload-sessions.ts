import { createHash, randomBytes } from 'node:crypto';
import { open, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { chunksOf } from '../content/index.ts';
import { algorithmOf, hashFor, hexOf, type AnyDigest } from '../store/digests.ts';
import { aboutFile } from '../files/about-file.ts';
import { ifThere } from '../files/if-there.ts';
import { renameInto } from '../files/whole-file.ts';
import type { StorePaths } from '../store/paths.ts';
import { sweepUploads } from '../store/sweep.ts';
import { makeFolder } from '../files/make-folder.ts';
import { refuse } from './refusal.ts';
import { createHolds, type Held } from './upload-holds.ts';

/** Bytes that a client sends for an upload. */
export interface Incoming {
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the bytes begin in the blob; they must follow directly on those that are there. Absent if the client does not say. */
  readonly first?: number | undefined;
  /** How many bytes there must be; absent if the client does not say. */
  readonly length?: number | undefined;
  /** Whether to keep the bytes that came before a failure. */
  readonly keepPartial: boolean;
  /** Ends the body; called if the client sends another request for the upload before this one is over. */
  readonly cut: () => void;
}

/** The uploads that have begun. A session is a file with the bytes that have come so far, so it can go on after a restart. */
export interface UploadSessions {
  /** Begins an upload. @returns its id */
  start(repository: string): Promise<string>;
  /** How many bytes have come. @throws Refusal 404 BLOB_UPLOAD_UNKNOWN, as the other methods do */
  size(repository: string, id: string): Promise<number>;
  /** Adds bytes, and returns how many there are then. @throws Refusal 416 if they do not follow on those that are there, 413 if they are too many */
  append(repository: string, id: string, incoming: Incoming): Promise<number>;
  /** Puts the blob in its place and ends the session, even if the digest is wrong. @throws Refusal 400 DIGEST_INVALID */
  finish(repository: string, id: string, digest: AnyDigest): Promise<void>;
  cancel(repository: string, id: string): Promise<void>;
  /** Forgets sessions to which nothing was added after `before`, in ms since the epoch. */
  sweep(before: number): Promise<void>;
}

const ID = /^[A-Za-z0-9_-]{22}\.[a-f0-9]{16}$/;

/** The part of an id that ties a session to the repository in which it was begun. */
const markOf = (repository: string): string => createHash('sha256').update(repository).digest('hex').slice(0, 16);

/** The Range header of an upload: the bytes that have come. For none it is `0-0`, as with other registries. */
export const rangeTo = (size: number): string => `0-${Math.max(0, size - 1)}`;

const unknown = (): never => refuse(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload: it is finished, was cancelled, or was left alone for too long');

const sizeOf = async (path: string): Promise<number> => (await ifThere(stat(path)))?.size ?? unknown();

/** Writes all of a chunk; one call of `write` may write only a part. */
const writeAt = async (file: FileHandle, chunk: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
};

/** Cuts an upload back to a size, in bytes. */
const cutBack = async (file: FileHandle, session: Held, size: number): Promise<void> => {
  await file.truncate(size);
  if (session.hashed > size) Object.assign(session, { hash: createHash('sha256'), hashed: 0 });
};

/** Writes a body behind the first `start` bytes, and hashes it if those are hashed. @returns the size then */
const writeBody = async (file: FileHandle, session: Held, start: number, body: AsyncIterable<Uint8Array>, limit: number): Promise<number> => {
  let size = start;
  for await (const chunk of body) {
    if (size + chunk.length > limit) refuse(413, 'SIZE_INVALID', `the blob is larger than the ${limit} bytes that are taken`);
    await writeAt(file, chunk, size);
    if (session.hashed === size) {
      session.hash.update(chunk);
      session.hashed += chunk.length;
    }
    size += chunk.length;
  }
  return size;
};

/** Adds the bytes of a request to an upload's file. @returns the size then */
const write = async (path: string, session: Held, { body, first, length, keepPartial }: Incoming, limit: number): Promise<number> => {
  const file = (await ifThere(open(path, 'r+'))) ?? unknown();
  const start = (await file.stat()).size;
  try {
    if (first !== undefined && first !== start)
      refuse(416, 'BLOB_UPLOAD_INVALID', `the chunk begins at ${first}, and ${start} bytes are here`, { range: rangeTo(start) });
    const size = await aboutFile(path, () => writeBody(file, session, start, body, limit));
    if (length !== undefined && size - start !== length) {
      await cutBack(file, session, start);
      refuse(400, 'SIZE_INVALID', `${size - start} bytes came where ${length} were announced`);
    }
    return size;
  } catch (error) {
    if (!keepPartial) await cutBack(file, session, start);
    throw error;
  } finally {
    await file.close();
  }
};

/** The hexadecimal digits of an upload's digest. The file is read only if its bytes were not hashed as they came. */
const hexOfFile = async (path: string, session: Held, size: number, digest: AnyDigest): Promise<string> => {
  if (algorithmOf(digest) === 'sha256' && session.hashed === size) return session.hash.copy().digest('hex');
  const file = (await ifThere(open(path))) ?? unknown();
  try {
    const hash = hashFor(digest);
    for await (const chunk of chunksOf(file, { lent: true })) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await file.close();
  }
};

/** Makes an upload's file the blob of a digest. `actual` is the file's hash. @throws Refusal 400 DIGEST_INVALID */
const putInPlace = async (path: string, blob: string, digest: AnyDigest, actual: string): Promise<void> => {
  if (actual !== hexOf(digest)) refuse(400, 'DIGEST_INVALID', `what came has the digest ${algorithmOf(digest)}:${actual}`);
  // Garbage collection goes by the time of the last use, and the first bytes may have come hours ago.
  await utimes(path, new Date(), new Date());
  await renameInto(path, blob);
};

/** See {@link UploadSessions}; `limit` is the size of the largest blob, in bytes. */
export const createUploadSessions = (paths: StorePaths, limit: number): UploadSessions => {
  const sessions = createHolds();
  const pathOf = (repository: string, id: string): string => (ID.test(id) && id.endsWith(markOf(repository)) ? join(paths.uploads, id) : unknown());
  const end = async (id: string, path: string): Promise<void> => {
    sessions.forget(id);
    await rm(path, { force: true });
  };

  return {
    async start(repository) {
      const id = `${randomBytes(16).toString('base64url')}.${markOf(repository)}`;
      await makeFolder(paths.uploads);
      await (await open(join(paths.uploads, id), 'wx')).close();
      return id;
    },

    size: async (repository, id) => sizeOf(pathOf(repository, id)),

    async append(repository, id, incoming) {
      const path = pathOf(repository, id);
      await sizeOf(path);
      return sessions.holding(id, incoming.cut, (session) => write(path, session, incoming, limit));
    },

    async finish(repository, id, digest) {
      const path = pathOf(repository, id);
      await sessions.holding(id, undefined, async (session) => {
        const actual = await hexOfFile(path, session, await sizeOf(path), digest);
        await putInPlace(path, paths.blob(digest), digest, actual).finally(() => end(id, path));
      });
    },

    async cancel(repository, id) {
      const path = pathOf(repository, id);
      await sizeOf(path);
      await sessions.holding(id, undefined, () => end(id, path));
    },

    async sweep(before) {
      await sweepUploads(paths, before);
      for (const id of sessions.ids()) if (!(await ifThere(stat(join(paths.uploads, id))))) sessions.forget(id);
    },
  };
};
