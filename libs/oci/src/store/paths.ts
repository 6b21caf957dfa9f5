import { join } from 'node:path';
import { digestHex, type Digest } from '@pinlane/contracts';

/** Where a store keeps what: an OCI image layout (image-layout.md) with three entries of ours beside it, which other tools ignore. */
export interface StorePaths {
  readonly root: string;
  readonly layout: string;
  readonly index: string;
  readonly blobs: string;
  /** On the same file system as the blobs, so that a rename puts a whole file in place. */
  readonly temporary: string;
  readonly locks: string;
  readonly generation: string;
  blob(digest: Digest): string;
}

export const storePaths = (root: string): StorePaths => {
  const blobs = join(root, 'blobs', 'sha256');
  return {
    root,
    layout: join(root, 'oci-layout'),
    index: join(root, 'index.json'),
    blobs,
    temporary: join(root, '.pinlane-tmp'),
    locks: join(root, '.pinlane-locks'),
    generation: join(root, '.pinlane-generation'),
    blob: (digest) => join(blobs, digestHex(digest)),
  };
};
