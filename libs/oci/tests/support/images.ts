import { fail, type Digest } from '@pinlane/contracts';
import { chunksOf } from '@pinlane/testing';
import { parseDocument, sha256, type ContentSource } from '../../src/content/index.ts';
import { verifyImage } from '../../src/image/verify.ts';
import type { Store } from '../../src/store/index.ts';

/** A source in memory that holds some bytes, each under its digest: also what no image is made of. */
export const sourceOfBytes = (all: readonly Uint8Array[]): ContentSource => {
  const held = new Map(all.map((bytes) => [sha256(bytes), bytes]));
  return {
    async readManifest(digest) {
      const bytes = held.get(digest) ?? fail('ERR_MANIFEST_UNKNOWN', `${digest} is not here`);
      return { descriptor: parseDocument(bytes).descriptor, bytes };
    },
    openBlob: ({ digest }) => chunksOf(held.get(digest) ?? fail('ERR_BLOB_UNKNOWN', `${digest} is not here`)),
  };
};

/** Proves that a store holds an image, every byte of it. */
export const verifyWhole = (store: Store, digest: Digest): Promise<unknown> => verifyImage(store, digest, { blobs: 'hashed' });
