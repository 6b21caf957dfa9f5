import { createHash } from 'node:crypto';
import type { TestRegistry } from '@pinlane/testing';

/** The manifests of a registry, as `<path>@<digest>`, that lack their protecting tag. */
export const unnamed = ({ manifests }: TestRegistry): string[] =>
  [...manifests].flatMap(([name, { bytes }]) => {
    const [path, digest] = name.split('@');
    if (digest === undefined) return [];
    const tagged = manifests.get(`${path}:pin-${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`);
    return tagged !== undefined && Buffer.from(tagged.bytes).equals(Buffer.from(bytes)) ? [] : [name];
  });

/** What a registry holds, as one text: two that hold the same give the same. */
export const contentsOf = ({ blobs, manifests }: TestRegistry): string =>
  createHash('sha256')
    .update([...blobs.keys(), ...manifests.keys()].sort().join('\n'))
    .digest('hex');

/** Makes a registry as it was on its first day. */
export const empty = ({ blobs, manifests, faults, requests }: TestRegistry): void => {
  blobs.clear();
  manifests.clear();
  faults.length = 0;
  requests.length = 0;
};
