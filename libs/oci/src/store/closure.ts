import { isPinlaneError, type Digest } from '@pinlane/contracts';
import { childBlobs, childManifests, MANIFEST_LIMIT, parseDocument, uniqueBlobs, type BlobDescriptor } from '../content/index.ts';
import { readBlob } from './blobs.ts';
import type { StorePaths } from './paths.ts';

/** Everything that an image is made of. */
export interface Closure {
  /** Manifests and indexes that are there and whole. */
  readonly manifests: ReadonlySet<Digest>;
  /** Configs and layers that these name, whether they are there or not. */
  readonly blobs: readonly BlobDescriptor[];
  /** Manifests that are not there; what they name is not known. */
  readonly missing: readonly Digest[];
  /** Manifests that are there and damaged. */
  readonly corrupt: readonly Digest[];
}

/** Walks from some digests to all that they name. Reads manifests, not layers. */
export const closureOf = async (paths: StorePaths, roots: readonly Digest[]): Promise<Closure> => {
  const manifests = new Set<Digest>();
  const blobs: BlobDescriptor[] = [];
  const missing: Digest[] = [];
  const corrupt: Digest[] = [];
  const seen = new Set(roots);

  const visit = async (digest: Digest): Promise<Digest[]> => {
    const bytes = await readBlob(paths, digest, MANIFEST_LIMIT);
    if (bytes === undefined) {
      missing.push(digest);
      return [];
    }
    const document = parseDocument(bytes);
    manifests.add(digest);
    blobs.push(...childBlobs(document));
    return childManifests(document).map((child) => child.digest);
  };

  for (let wave: readonly Digest[] = [...seen]; wave.length > 0;) {
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
  return { manifests, blobs: uniqueBlobs(blobs), missing, corrupt };
};
