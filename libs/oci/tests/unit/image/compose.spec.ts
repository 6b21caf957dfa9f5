import { describe, expect, it } from '@jest/globals';
import { parseDigest } from '@pinlane/contracts';
import { codeOf } from '@pinlane/testing';
import { composeIndex, OCI_MANIFEST, parseIndex, type Descriptor } from '../../../src/index.ts';

const amd64: Descriptor = {
  mediaType: OCI_MANIFEST,
  digest: parseDigest('sha256:7ecb069ebbf73722a904d93db64541e47cdd7633ce0858d0f422babc37c30443'),
  size: 395,
  platform: { os: 'linux', architecture: 'amd64' },
};
const arm64: Descriptor = {
  mediaType: OCI_MANIFEST,
  digest: parseDigest('sha256:59fc22d982be07a1cdf5fc8a89e8eeed8e874c7b3dd414dbfe2df8f2cdc5b328'),
  size: 395,
  platform: { os: 'linux', architecture: 'arm64' },
};

describe('Composing an index', () => {
  it('gives the same bytes in whatever order the platforms and annotations come', () => {
    const one = composeIndex([amd64, arm64], { a: '1', b: '2' });
    const other = composeIndex([arm64, amd64], { b: '2', a: '1' });
    expect(Buffer.from(one.bytes).toString()).toBe(Buffer.from(other.bytes).toString());
    expect(parseIndex(one.bytes).manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64']);
  });

  it('has a digest that is a promise: another one would part every pin from its image', () => {
    expect(composeIndex([amd64, arm64]).descriptor).toEqual({
      mediaType: 'application/vnd.oci.image.index.v1+json',
      digest: 'sha256:660eb6eb582a12d33c3d3438b151843bee0d0d21f92af35e99cb1202a15219e2',
      size: 491,
    });
  });

  it('refuses two manifests for one platform, none at all, and what has no platform', async () => {
    const { platform: _, ...bare } = amd64;
    expect(await codeOf(() => composeIndex([amd64, amd64]))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => composeIndex([]))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => composeIndex([bare]))).toBe('ERR_MANIFEST_INVALID');
  });
});
