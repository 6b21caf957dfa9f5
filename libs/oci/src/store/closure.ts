import { isPinlaneError } from '@pinlane/contracts';
import { MANIFEST_LIMIT } from '../content/index.ts';
import { readBlob } from './blobs.ts';
import type { AnyBlob, AnyDigest } from './digests.ts';
import type { StorePaths } from './paths.ts';
import { readParts } from './manifest-parts.ts';

/** All content that some images are made of. */
export interface Closure {
  /** Manifests and indexes that are there and whole. */
  readonly manifests: ReadonlySet<AnyDigest>;
  /** The configs and layers that these name, whether they are there or not. */
  readonly blobs: readonly AnyBlob[];
  /** Manifests that are not there, so that nobody knows what they name. */
  readonly missing: readonly AnyDigest[];
  /** Manifests that are there and damaged. */
  readonly corrupt: readonly AnyDigest[];
}

/** Follows some digests to all that they name, and each manifest to what `beside` adds for it. Manifests are read, layers are not. */
export const closureOf = async (
  paths: StorePaths,
  roots: readonly AnyDigest[],
  beside: (manifest: AnyDigest) => Promise<readonly AnyDigest[]> = () => Promise.resolve([]),
): Promise<Closure> => {
  const manifests = new Set<AnyDigest>();
  const blobs = new Map<AnyDigest, AnyBlob>();
  const missing: AnyDigest[] = [];
  const corrupt: AnyDigest[] = [];
  const seen = new Set(roots);

  const visit = async (digest: AnyDigest): Promise<AnyDigest[]> => {
    const added = await beside(digest);
    const bytes = await readBlob(paths, digest, MANIFEST_LIMIT);
    if (bytes === undefined) {
      missing.push(digest);
      return [...added];
    }
    const read = readParts(bytes);
    if (read === undefined) {
      corrupt.push(digest);
      return [...added];
    }
    manifests.add(digest);
    for (const blob of read.blobs) blobs.set(blob.digest, blob);
    return [...read.manifests.map((child) => child.digest), ...added];
  };

  for (let wave: readonly AnyDigest[] = [...seen]; wave.length > 0;) {
    const found = await Promise.all(
      wave.map((digest) =>
        visit(digest).catch((error: unknown) => {
          if (!isPinlaneError(error)) throw error;
          corrupt.push(digest);
          return [];
        }),
      ),
    );
    wave = [...new Set(found.flat())].filter((digest) => !seen.has(digest));
    wave.forEach((digest) => seen.add(digest));
  }
  return { manifests, blobs: [...blobs.values()], missing, corrupt };
};
