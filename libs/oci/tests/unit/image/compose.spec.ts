import { describe, expect, it } from '@jest/globals';
import { composeIndex, parseIndex } from '../../../src/index.ts';
import { codeOf } from '../../support/errors.ts';
import { makeImage } from '../../support/images.ts';

const [amd64, arm64] = makeImage({ word: 'fixed' }).manifests.map(({ descriptor }) => descriptor) as [never, never];

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
    const { platform: _, ...bare } = amd64 as { platform: unknown };
    expect(await codeOf(() => composeIndex([amd64, amd64]))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => composeIndex([]))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => composeIndex([bare as never]))).toBe('ERR_MANIFEST_INVALID');
  });
});
