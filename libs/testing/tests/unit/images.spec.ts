import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { parseDigest } from '@pinlane/contracts';
import { errorOf, indexOf, layerOf, makeImage, imagePart, platformImage, putImage, sourceOf, type ImagePart, type ImageDescriptor } from '../../src/index.ts';

const hashed = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const read = ({ bytes }: ImagePart): Record<string, unknown> => JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
const tar = Buffer.from('the bytes of a tar');

const partsOf = ({ index, platforms }: ReturnType<typeof makeImage>): ImagePart[] => [
  index,
  ...platforms.flatMap((platform) => [platform, platform.config, ...platform.layers]),
];

describe('a part of an image', () => {
  it('is named by the digest and the length of its bytes', () => {
    expect(imagePart('text/plain', Buffer.from('abc')).descriptor).toEqual({
      mediaType: 'text/plain',
      digest: 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      size: 3,
    });
  });

  it('is a layer as it is, or compressed, with the digest of its tar', () => {
    expect(layerOf(tar)).toMatchObject({
      bytes: tar,
      diffId: hashed(tar),
      descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: hashed(tar) },
    });
    const { bytes, diffId, descriptor } = layerOf(tar, { gzip: true });
    expect([gunzipSync(bytes), diffId, descriptor.mediaType]).toEqual([tar, hashed(tar), 'application/vnd.oci.image.layer.v1.tar+gzip']);
  });
});

describe('an image', () => {
  it("has a manifest that names its config and its layers, and a config that names the layers' tars", () => {
    const [one, two] = [layerOf(tar, { gzip: true }), layerOf(Buffer.from('another'))];
    const image = platformImage('arm64', [one, two], { User: '1:1' });
    expect(read(image)).toEqual({
      schemaVersion: 2,
      mediaType: image.descriptor.mediaType,
      config: image.config.descriptor,
      layers: [one.descriptor, two.descriptor],
    });
    expect(read(image.config)).toEqual({
      architecture: 'arm64',
      os: 'linux',
      config: { User: '1:1' },
      rootfs: { type: 'layers', diff_ids: [one.diffId, two.diffId] },
    });
    expect(read(indexOf([image]))['manifests']).toEqual([{ ...image.descriptor, platform: { os: 'linux', architecture: 'arm64' } }]);
  });

  it('is the same for equal marks and labels, and shares nothing with one of another mark', () => {
    const digests = (image: ReturnType<typeof makeImage>) => partsOf(image).map(({ descriptor }) => descriptor.digest);
    const labels = { title: 'one' };
    expect(digests(makeImage({ mark: 'a', labels }))).toEqual(digests(makeImage({ mark: 'a', labels })));
    const all = [...digests(makeImage({ mark: 'a' })), ...digests(makeImage({ mark: 'b' }))];
    expect(new Set(all).size).toBe(14);
    expect(read(makeImage({ labels }).platforms[0]!.config)['config']).toEqual({ Labels: labels });
  });

  it('is unlike any other without a mark', () => {
    expect(makeImage().index.descriptor.digest).not.toBe(makeImage().index.descriptor.digest);
  });

  it('has layers of the size that is asked for, as they are and of bytes that do not compress', () => {
    const [config, layer, ...others] = makeImage({ mark: 'a', layerSize: 5000 }).blobs;
    expect([layer!.bytes.length, layer!.descriptor.mediaType, others.length]).toEqual([5000, 'application/vnd.oci.image.layer.v1.tar', 2]);
    expect(gzipSync(layer!.bytes).length).toBeGreaterThan(5000);
    expect(read(config!)['rootfs']).toEqual({ type: 'layers', diff_ids: [hashed(layer!.bytes)] });
    expect(makeImage({ mark: 'a', layerSize: 5000 }).blobs[1]).toEqual(layer);
    expect(makeImage({ mark: 'b', layerSize: 5000 }).blobs[1]!.bytes).not.toEqual(layer!.bytes);
  });

  it('is put blobs first, then manifests, then the index', async () => {
    const image = makeImage({ architectures: ['amd64'] });
    const [amd64] = image.platforms;
    const put: string[] = [];
    await putImage(
      {
        putBlob: async ({ digest }: ImageDescriptor, open) => {
          for await (const bytes of open()) put.push(`${digest} ${hashed(bytes)}`);
        },
        putManifest: async ({ digest }: ImageDescriptor, bytes) => void put.push(`${digest} ${hashed(bytes)}`),
      },
      image,
    );
    expect(image.blobs).toEqual([amd64!.config, ...amd64!.layers]);
    expect(put).toEqual([...image.blobs, amd64!, image.index].map(({ descriptor: { digest } }) => `${digest} ${digest}`));
  });

  it('is read from a source by digest, and what is not there is refused', async () => {
    const { index, platforms } = makeImage();
    const source = sourceOf({ index, platforms });
    expect(await source.readManifest(index.descriptor.digest)).toBe(index);
    expect(await source.readManifest(platforms[1]!.descriptor.digest)).toBe(platforms[1]);
    const read: Uint8Array[] = [];
    for await (const bytes of source.openBlob(platforms[0]!.config.descriptor)) read.push(bytes);
    expect(read).toEqual([platforms[0]!.config.bytes]);
    const nowhere = parseDigest(`sha256:${'0'.repeat(64)}`);
    expect((await errorOf(() => source.readManifest(nowhere))).code).toBe('ERR_MANIFEST_UNKNOWN');
    expect((await errorOf(() => source.openBlob({ digest: nowhere }))).code).toBe('ERR_BLOB_UNKNOWN');
  });
});
