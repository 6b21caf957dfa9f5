import type { Stats } from 'node:fs';
import type { Digest } from '@pinlane/contracts';
import { knownHash, rememberHash, statIfThere, verifyImage, type ImageView, type KnownLayers, type Store, type VerifyOptions } from '@pinlane/oci';

interface Hashed {
  readonly layers: KnownLayers;
  /** Whoever came last. */
  last: Promise<unknown>;
}

/** Layers that were hashed, for as long as their files are those that were read, and layers that a registry has. */
const layersOf = (store: Store): KnownLayers => {
  const begun = new Map<Digest, Stats | undefined>();
  const elsewhere = new Set<Digest>();
  return {
    has: (digest) => {
      const path = store.blobPath(digest);
      const stats = statIfThere(path);
      // Of before it is read: a file that is written to meanwhile is another one afterwards.
      begun.set(digest, stats);
      return stats === undefined ? elsewhere.has(digest) : knownHash(path, stats)?.sha256 === digest;
    },
    add: (digest) => {
      const stats = begun.get(digest);
      if (stats === undefined) elsewhere.add(digest);
      else rememberHash(store.blobPath(digest), stats, { size: stats.size, sha256: digest });
    },
  };
};

/** By the folder of the store. */
const stores = new Map<string, Hashed>();

/**
 * Verifies an image in the store, every byte of it; a layer that was hashed before is not read again while its file is the same, because the tasks of a run
 * share bases. One image after the other: two at once would both hash the base that they share.
 * @throws as `verifyImage`
 */
export const verifyStored = (store: Store, digest: Digest, options: Pick<VerifyOptions, 'platforms'> = {}): Promise<ImageView> => {
  const hashed = stores.get(store.root) ?? { layers: layersOf(store), last: Promise.resolve() };
  stores.set(store.root, hashed);
  const verified = hashed.last.then(() => verifyImage(store, digest, { ...options, blobs: 'hashed', known: hashed.layers }));
  hashed.last = verified.catch(() => undefined);
  return verified;
};
