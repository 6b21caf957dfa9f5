import type { Platform } from '@pinlane/contracts';
import { truncate } from 'node:fs/promises';
import { describe as suite, expect, it } from '@jest/globals';
import { codeOf, errorOf, jsonBytes, makeImage, putImage, temporaryFolder } from '@pinlane/testing';
import {
  describe,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  openStore,
  readImage,
  sha256,
  verifyImage,
  type Descriptor,
  type Store,
} from '../../../src/index.ts';
import { sourceOfBytes } from '../../support/images.ts';

const layer = Buffer.from('layer');

interface PlatformOptions {
  readonly architecture?: string;
  readonly variant?: string;
  readonly layers?: number;
  readonly configType?: string;
  readonly layerType?: string;
  readonly platform?: object;
  readonly annotations?: Record<string, string>;
}

/** Puts one manifest as it is asked for, right or wrong, and gives the entry of an index for it. */
const putPlatform = async (store: Store, options: PlatformOptions): Promise<Descriptor> => {
  const { architecture = 'amd64', variant, layers = 1, configType = OCI_CONFIG, layerType = OCI_LAYER, platform, annotations } = options;
  const config = jsonBytes({ architecture, variant, os: 'linux', rootfs: { type: 'layers', diff_ids: [sha256(layer)] } });
  await store.writeBlob(layer);
  await store.writeBlob(config);
  const bytes = jsonBytes({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(configType, config),
    layers: Array.from({ length: layers }, () => describe(layerType, layer)),
    annotations: { for: JSON.stringify(options) },
  });
  const descriptor = describe(OCI_MANIFEST, bytes);
  await store.putManifest(descriptor, bytes);
  return {
    ...descriptor,
    platform: (platform ?? { os: 'linux', architecture, variant }) as Descriptor['platform'],
    ...(annotations ? { annotations } : {}),
  } as Descriptor;
};

const putIndex = async (store: Store, manifests: readonly Descriptor[]): Promise<Descriptor> => {
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const descriptor = describe(OCI_INDEX, bytes);
  await store.putManifest(descriptor, bytes);
  return descriptor;
};

const indexOf = async (...platforms: PlatformOptions[]) => {
  const store = openStore(temporaryFolder('oci'));
  const entries = [];
  for (const platform of platforms) entries.push(await putPlatform(store, platform));
  return { store, ...(await putIndex(store, entries)) };
};

suite('Reading an image', () => {
  it('gives each platform with its manifest and config, in the order amd64, arm64', async () => {
    const { store, digest } = await indexOf({ architecture: 'arm64' }, { architecture: 'amd64' });
    const view = await readImage(store, digest);
    expect(view.kind).toBe('index');
    expect(view.platforms.map(({ platform, config, manifest }) => [platform, config.architecture, manifest.layers.length])).toEqual([
      ['linux/amd64', 'amd64', 1],
      ['linux/arm64', 'arm64', 1],
    ]);
  });

  it('sets attestations aside, told by their platform or by their annotation', async () => {
    const { store, digest } = await indexOf(
      {},
      { platform: { os: 'unknown', architecture: 'unknown' }, configType: 'application/vnd.oci.empty.v1+json' },
      { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' }, layerType: 'application/vnd.in-toto+json' },
    );
    const view = await readImage(store, digest);
    expect(view.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64']);
    expect(view.attestations).toHaveLength(2);
  });

  it('takes arm64/v8 for arm64 and leaves other platforms unread', async () => {
    const { store, digest } = await indexOf({ architecture: 'arm64', variant: 'v8' }, { architecture: 'arm', variant: 'v7' });
    const view = await readImage(store, digest);
    expect(view.platforms.map(({ platform }) => platform)).toEqual(['linux/arm64']);
    expect(view.others.map(({ platform }) => platform?.variant)).toEqual(['v7']);
  });

  it('takes the platform of a single manifest from its config', async () => {
    const store = openStore(temporaryFolder('oci'));
    const { digest } = await putPlatform(store, { architecture: 'arm64' });
    const view = await readImage(store, digest);
    expect([view.kind, view.platforms[0]?.platform, view.platforms[0]?.descriptor.platform]).toEqual([
      'manifest',
      'linux/arm64',
      { architecture: 'arm64', os: 'linux' },
    ]);
  });

  it('refuses two manifests for one platform', async () => {
    const { store, digest } = await indexOf({}, { layers: 2 });
    expect((await errorOf(() => readImage(store, digest))).message).toMatch('lists two manifests for linux/amd64');
  });

  it('refuses a config that is for another platform than the one it is listed for', async () => {
    const { store, digest } = await indexOf({ architecture: 'arm64', platform: { os: 'linux', architecture: 'amd64' } });
    expect((await errorOf(() => readImage(store, digest))).message).toMatch('is listed for linux/amd64 and its config is for linux/arm64');
  });

  it.each([
    ['another size', { size: 7 }],
    ['another media type', { mediaType: DOCKER_MANIFEST }],
  ])('refuses a manifest that is listed with %s', async (_, wrong) => {
    const { index, platforms, blobs } = makeImage();
    const [entry, ...others] = (JSON.parse(Buffer.from(index.bytes).toString()) as { manifests: Descriptor[] }).manifests;
    const lying = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...entry, ...wrong }, ...others] });
    const source = sourceOfBytes([lying, ...[...platforms, ...blobs].map(({ bytes }) => bytes)]);
    expect((await errorOf(() => readImage(source, sha256(lying)))).message).toMatch(/an index lists sha256:\w+ as \S+ of \d+ bytes, and it is/);
  });

  it('refuses an entry without a platform', async () => {
    const store = openStore(temporaryFolder('oci'));
    const { platform: _, ...entry } = await putPlatform(store, {});
    const { digest } = await putIndex(store, [entry]);
    expect(await codeOf(() => readImage(store, digest))).toBe('ERR_MANIFEST_INVALID');
  });

  it.each([
    ['a config of another type', { configType: 'application/vnd.example+json' }],
    ['a layer of another type', { layerType: 'application/vnd.in-toto+json' }],
    ['more layers than its config names', { layers: 2 }],
  ])('refuses %s', async (_, options) => {
    const { store, digest } = await indexOf(options);
    expect(await codeOf(() => readImage(store, digest))).toBe('ERR_MANIFEST_INVALID');
  });

  it.each<Platform[][]>([[['linux/amd64', 'linux/arm64']], [['linux/arm64']]])(
    'says which platform is missing, and which is there, of %j',
    async (platforms) => {
      const { store, digest } = await indexOf({});
      const error = await errorOf(() => readImage(store, digest, { platforms }));
      expect([error.code, error.message]).toEqual(['ERR_PLATFORM_MISSING', expect.stringContaining('is not there for linux/arm64; it is for linux/amd64')]);
    },
  );

  it('refuses an image without any platform that can run', async () => {
    const { store, digest } = await indexOf({ architecture: 's390x' });
    expect(await codeOf(() => readImage(store, digest))).toBe('ERR_PLATFORM_MISSING');
  });
});

suite('Verifying an image', () => {
  it('finds a layer that is not there', async () => {
    const store = openStore(temporaryFolder('oci'));
    const image = makeImage();
    await putImage(store, image);
    const absent = image.blobs[1]!.descriptor.digest;
    const without = { ...store, hasBlob: async ({ digest }: { digest: string }) => digest !== absent };
    expect((await verifyImage(store, image.index.descriptor.digest)).platforms).toHaveLength(2);
    expect((await errorOf(() => verifyImage(without, image.index.descriptor.digest))).message).toMatch(absent);
    await truncate(store.blobPath(absent), 3);
    const error = await errorOf(() => verifyImage(store, image.index.descriptor.digest));
    expect([error.code, error.message]).toEqual(['ERR_STORE_CORRUPT', expect.stringContaining(absent)]);
  });

  it('reads every byte where it is told to', async () => {
    const store = openStore(temporaryFolder('oci'));
    const image = makeImage();
    await putImage(store, image);
    const { descriptor } = image.blobs[1]!;
    const altered = {
      ...store,
      openBlob: (blob: typeof descriptor) => (blob.digest === descriptor.digest ? store.openBlob({ ...blob, size: blob.size - 1 }) : store.openBlob(blob)),
    };
    expect((await verifyImage(store, image.index.descriptor.digest, { blobs: 'hashed' })).platforms).toHaveLength(2);
    expect(await codeOf(() => verifyImage(altered as Store, image.index.descriptor.digest, { blobs: 'hashed' }))).toBe('ERR_STORE_CORRUPT');
    expect((await verifyImage(altered as Store, image.index.descriptor.digest)).platforms).toHaveLength(2);
  });
});
