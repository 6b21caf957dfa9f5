import type { Digest } from '@pinlane/contracts';
import { blobState, statIfThere, verifyImage, type ImageView, type KnownLayers, type Store, type VerifyOptions } from '@pinlane/oci';

interface Hashed {
  readonly layers: KnownLayers;
  /** Whoever came last. */
  last: Promise<unknown>;
}

const stateOf = (path: string): string => {
  const stats = statIfThere(path);
  return stats === undefined ? '' : blobState(path, stats);
};

/** Layers that were hashed, for as long as their files are those that were read. */
const layersOf = (store: Store): KnownLayers => {
  const hashed = new Map<Digest, string>();
  const begun = new Map<Digest, string>();
  return {
    has: (digest) => {
      const state = stateOf(store.blobPath(digest));
      if (hashed.get(digest) === state) return true;
      // Of before it is read: a file that is written to meanwhile is another one afterwards.
      begun.set(digest, state);
      return false;
    },
    add: (digest) => {
      const state = begun.get(digest);
      if (state !== undefined) hashed.set(digest, state);
    },
  };
};

/** By the folder of the store. */
const stores = new Map<string, Hashed>();

/**
 * Verifies an image in the store, every byte of it; a layer that this process has hashed before is not read again while its file is the same, because the tasks
 * of a run share bases. One image after the other: two at once would both hash the base that they share.
 * @throws as `verifyImage`
 */
export const verifyStored = (store: Store, digest: Digest, options: Pick<VerifyOptions, 'platforms'> = {}): Promise<ImageView> => {
  const hashed = stores.get(store.root) ?? { layers: layersOf(store), last: Promise.resolve() };
  stores.set(store.root, hashed);
  const verified = hashed.last.then(() => verifyImage(store, digest, { ...options, blobs: 'hashed', known: hashed.layers }));
  hashed.last = verified.catch(() => undefined);
  return verified;
};
