import { isPinlaneError } from '@pinlane/contracts';
import { isDeleted, unmarkDeleted } from '../store/deletions.ts';
import { absentBlobs, blobSize, claimBlob, removeIfDamaged } from '../store/blobs.ts';
import type { AnyBlob, AnyDigest } from '../store/digests.ts';
import type { StorePaths } from '../store/paths.ts';
import type { Store } from '../store/store.ts';
import type { Pace } from './body.ts';
import { refuse } from './refusal.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** What the answers to all requests stand on. */
export interface Registry {
  readonly store: Store;
  readonly paths: StorePaths;
  readonly uploads: UploadSessions;
  /** The largest blob that is taken, in bytes. */
  readonly blobLimit: number;
  readonly pace: Pace;
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
}

/**
 * The size of what a repository has, in bytes; undefined where it does not have it. What is in the store is to be had in every repository, so
 * that nothing is pushed twice, but for what was deleted in this one.
 */
export const sizeIn = async ({ paths }: Registry, repository: string, digest: AnyDigest): Promise<number | undefined> => {
  const size = await blobSize(paths, digest);
  return size === undefined || (await isDeleted(paths, repository, digest)) ? undefined : size;
};

/** The same for a client that may be about to build on it: it is marked as in use. */
export const claimIn = async (registry: Registry, repository: string, digest: AnyDigest): Promise<number | undefined> => {
  const size = await sizeIn(registry, repository, digest);
  return size !== undefined && (await claimBlob(registry.paths, { digest, size })) ? size : undefined;
};

/** Those of some blobs that a repository does not have; the others are marked as in use. */
export const absentIn = async ({ paths }: Registry, repository: string, blobs: readonly AnyBlob[]): Promise<AnyDigest[]> => {
  const deleted = await Promise.all(blobs.map(({ digest }) => isDeleted(paths, repository, digest)));
  const absent = new Set(await absentBlobs(paths, blobs));
  return blobs.filter((blob, position) => deleted[position] || absent.has(blob)).map(({ digest }) => digest);
};

/** Makes a digest that is in the store one that a repository has. */
export const addTo = ({ paths }: Registry, repository: string, digest: AnyDigest): Promise<void> => unmarkDeleted(paths, repository, digest);

/** Where an error says that content is damaged, takes that away, so that the next push of it is not told that it is there. Passes the error on. */
export const afterDamage = async (registry: Registry, digest: AnyDigest, error: unknown): Promise<never> => {
  if (isPinlaneError(error, 'ERR_STORE_CORRUPT') && !registry.readOnly) await removeIfDamaged(registry.paths, digest);
  throw error;
};

export const blobUnknown = (digest: AnyDigest): never => refuse(404, 'BLOB_UNKNOWN', `${digest} is not here`);
