import { describe as suite, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { codeOf, makeImage, sourceOf } from '@pinlane/testing';
import { readingOnce, readImage } from '../../../src/index.ts';

suite('A source that reads each manifest once', () => {
  it('gives an image for one platform after the other, and asks for its index once', async () => {
    const image = makeImage();
    const asked: Digest[] = [];
    const inner = sourceOf(image);
    const source = readingOnce({ ...inner, readManifest: (digest) => (asked.push(digest), inner.readManifest(digest)) });
    for (const platform of ['linux/amd64', 'linux/arm64'] as const) await readImage(source, image.index.descriptor.digest, { platforms: [platform] });
    expect([...asked].sort()).toEqual([image.index, ...image.platforms].map(({ descriptor }) => descriptor.digest).sort());
  });

  it('tells what is not there as the source does', async () => {
    const absent = `sha256:${'0'.repeat(64)}` as Digest;
    const source = readingOnce(sourceOf(makeImage()));
    expect(await codeOf(() => source.readManifest(absent))).toBe('ERR_MANIFEST_UNKNOWN');
  });
});
