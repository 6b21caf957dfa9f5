import { createHash, hash } from 'node:crypto';
import type { Digest } from '@pinlane/contracts';

/** The digest of some bytes, or of a text's UTF-8. */
export const sha256 = (bytes: Uint8Array | string): Digest => `sha256:${hash('sha256', bytes)}` as Digest;

/** Hashes and counts bytes as they pass. */
export interface Sha256 {
  update(chunk: Uint8Array): void;
  /** Bytes seen so far. */
  readonly size: number;
  /** Call once, at the end. */
  digest(): Digest;
}

export const createSha256 = (): Sha256 => {
  const hash = createHash('sha256');
  let size = 0;
  return {
    update: (chunk) => {
      hash.update(chunk);
      size += chunk.length;
    },
    get size() {
      return size;
    },
    digest: () => `sha256:${hash.digest('hex')}` as Digest,
  };
};
