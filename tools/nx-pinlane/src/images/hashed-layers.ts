import type { Digest } from '@pinlane/contracts';
import { verifyImage, type ImageView, type Store, type VerifyOptions } from '@pinlane/oci';

interface Hashed {
  readonly layers: Set<Digest>;
  /** Whoever came last. */
  last: Promise<unknown>;
}

/** By the folder of the store. */
const stores = new Map<string, Hashed>();

/**
 * Verifies an image in the store, every byte of it; a layer that this process has hashed before only has to be there, because the tasks of a run share bases.
 * One image after the other: two at once would both hash the base that they share.
 * @throws as `verifyImage`
 */
export const verifyStored = (store: Store, digest: Digest, options: Pick<VerifyOptions, 'platforms'>): Promise<ImageView> => {
  const hashed = stores.get(store.root) ?? { layers: new Set<Digest>(), last: Promise.resolve() };
  stores.set(store.root, hashed);
  const verified = hashed.last.then(() => verifyImage(store, digest, { ...options, blobs: 'hashed', known: hashed.layers }));
  hashed.last = verified.catch(() => undefined);
  return verified;
};
