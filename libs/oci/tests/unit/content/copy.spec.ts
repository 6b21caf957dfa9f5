import { describe, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { codeOf, drain, makeImage, sourceOf } from '@pinlane/testing';
import { copyImage, type ContentSink, type ContentSource } from '../../../src/index.ts';

/** Notes what was written and how many writes were under way at once. */
const notingSink = (failing?: Digest, held: readonly Digest[] = []) => {
  const written: Digest[] = [];
  let busy = 0;
  let busiest = 0;
  const sink: ContentSink = {
    hasBlob: async ({ digest }) => held.includes(digest),
    async putBlob({ digest }, open) {
      busiest = Math.max(busiest, ++busy);
      await drain(open());
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
      if (digest === failing) throw new Error('the sink is full');
      written.push(digest);
    },
    putManifest: async ({ digest }) => void written.push(digest),
  };
  return { sink, written, busiest: () => busiest };
};

const image = makeImage({ mark: 'copied' });
const root = image.index.descriptor.digest;

describe('Copying an image', () => {
  it('writes blobs, then the manifests that name them, then the index', async () => {
    const { sink, written } = notingSink();
    expect(await copyImage(sourceOf(image), sink, root)).toEqual(image.index.descriptor);
    const rank = (digest: Digest) => (digest === root ? 2 : image.platforms.some(({ descriptor }) => descriptor.digest === digest) ? 1 : 0);
    expect(written).toHaveLength(7);
    expect(written.map(rank)).toEqual([0, 0, 0, 0, 1, 1, 2]);
  });

  it('of one platform copies that alone', async () => {
    const { sink, written } = notingSink();
    await copyImage(sourceOf(image), sink, image.platforms[1]!.descriptor.digest);
    expect(written).toHaveLength(3);
    expect(written).not.toContain(root);
  });

  it('leaves out what the other side has', async () => {
    const { descriptor } = image.blobs[0]!;
    const { sink, written } = notingSink(undefined, [descriptor.digest]);
    await copyImage(sourceOf(image), sink, root);
    expect(written).not.toContain(descriptor.digest);
    expect(written).toHaveLength(6);
  });

  it('has no more blobs under way than it was told', async () => {
    const one = notingSink();
    await copyImage(sourceOf(image), one.sink, root, { concurrency: 1 });
    expect(one.busiest()).toBe(1);
    const four = notingSink();
    await copyImage(sourceOf(image), four.sink, root, { concurrency: 4 });
    expect(four.busiest()).toBeGreaterThan(1);
  });

  it('writes no manifest after a blob failed', async () => {
    const { sink, written } = notingSink(image.blobs[1]!.descriptor.digest);
    await expect(copyImage(sourceOf(image), sink, root)).rejects.toThrow('the sink is full');
    expect(written.filter((digest) => !image.blobs.some(({ descriptor }) => descriptor.digest === digest))).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const { sink, written } = notingSink();
    expect(await codeOf(() => copyImage(sourceOf(image), sink, root, { signal: AbortSignal.abort() }))).toBe('ERR_CANCELLED');
    expect(written).toEqual([]);
  });

  it('refuses a child that is not what its index says', async () => {
    const other = makeImage({ mark: 'another', layerSize: 99 });
    const source = sourceOf(image);
    const lying: ContentSource = { ...source, readManifest: async (digest) => (digest === root ? source.readManifest(digest) : other.index) };
    expect(await codeOf(() => copyImage(lying, notingSink().sink, root))).toBe('ERR_MANIFEST_INVALID');
  });
});
