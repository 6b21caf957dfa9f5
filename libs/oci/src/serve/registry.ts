import { isDigest, isPinlaneError } from '@pinlane/contracts';
import { isDeleted, unmarkDeleted } from '../store/deletions.ts';
import { blobSize, claimBlob, removeIfDamaged } from '../store/blobs.ts';
import type { AnyBlob, AnyDigest } from '../store/digests.ts';
import { notedSizes } from '../store/origins.ts';
import type { StorePaths } from '../store/paths.ts';
import { goneBlobs, type Store } from '../store/store.ts';
import type { Pace } from './body.ts';
import { refuse } from './refusal.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** The served store and the server's settings, which all requests share. */
export interface Registry {
  readonly store: Store;
  readonly paths: StorePaths;
  readonly uploads: UploadSessions;
  /** The largest blob that is taken, in bytes. */
  readonly blobLimit: number;
  readonly pace: Pace;
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
  readonly log: (line: string) => void;
}

/**
 * The size of a repository's content, in bytes; undefined if the repository does not have it. A repository has all content of the store, so that nothing is
 * pushed twice, except what was deleted in it.
 */
export const sizeIn = async ({ paths }: Registry, repository: string, digest: AnyDigest): Promise<number | undefined> => {
  const size = blobSize(paths, digest);
  return size === undefined || (await isDeleted(paths, repository, digest)) ? undefined : size;
};

/** The size that was noted of a blob which the store left elsewhere, in bytes; undefined if it did not, or the blob was deleted in the repository. */
export const sizeElsewhere = async ({ paths }: Registry, repository: string, digest: AnyDigest): Promise<number | undefined> => {
  const [size, ...others] = (await isDeleted(paths, repository, digest)) ? [] : await notedSizes(paths, digest);
  return others.length > 0 ? undefined : size;
};

/** Fetches a blob that the store left elsewhere; what keeps it away is told to the client by name. @throws Refusal 404, 503 */
export const bringHere = async (registry: Registry, repository: string, digest: AnyDigest): Promise<void> => {
  const size = await sizeElsewhere(registry, repository, digest);
  if (size === undefined || !isDigest(digest)) return;
  try {
    await registry.store.bring([{ digest, size }]);
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    registry.log(error.message);
    const { message } = error.problems[0]!;
    if (error.retryable) refuse(503, 'UNKNOWN', message, { 'retry-after': '1' });
    refuse(404, 'BLOB_UNKNOWN', message);
  }
};

/** Like {@link sizeIn}, and marks the content as in use, for a client that may be about to build on it. */
export const claimIn = async (registry: Registry, repository: string, digest: AnyDigest): Promise<number | undefined> => {
  const size = await sizeIn(registry, repository, digest);
  return size !== undefined && claimBlob(registry.paths, { digest, size }) ? size : undefined;
};

/** The blobs that a repository does not have; the others are marked as in use. */
export const absentIn = async ({ paths }: Registry, repository: string, blobs: readonly AnyBlob[]): Promise<AnyDigest[]> => {
  const deleted = await Promise.all(blobs.map(({ digest }) => isDeleted(paths, repository, digest)));
  const absent = new Set(await goneBlobs(paths, blobs));
  return blobs.filter((blob, position) => deleted[position] || absent.has(blob)).map(({ digest }) => digest);
};

/** Gives a repository content that is in the store, even if it was deleted there before. */
export const addTo = ({ paths }: Registry, repository: string, digest: AnyDigest): Promise<void> => unmarkDeleted(paths, repository, digest);

/** Throws an error again. If it says that content is damaged, the content is removed first, so that the next push is not told that it is there. */
export const afterDamage = async (registry: Registry, digest: AnyDigest, error: unknown): Promise<never> => {
  if (isPinlaneError(error, 'ERR_STORE_CORRUPT') && !registry.readOnly) await removeIfDamaged(registry.paths, digest);
  throw error;
};

export const blobUnknown = (digest: AnyDigest): never => refuse(404, 'BLOB_UNKNOWN', `${digest} is not here`);
