import type { Digest, Platform } from '@pinlane/contracts';
import { truncate } from 'node:fs/promises';
import { describe as suite, expect, it } from '@jest/globals';
import { codeOf, errorOf, jsonBytes, makeImage, putImage, temporaryFolder } from '@pinlane/testing';
import {
  copyImage,
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

/** The same for an index whose entries the store need not have. */
const writeIndex = async (store: Store, manifests: readonly object[]): Promise<Descriptor> => {
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await store.writeBlob(bytes);
  return describe(OCI_INDEX, bytes);
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

suite('An index that lists what nobody wants', () => {
  /** Puts an index over entries that the store need not have. */
  const listing = async (make: (amd64: Descriptor, store: Store) => Promise<readonly object[]>) => {
    const store = openStore(temporaryFolder('oci'));
    const amd64 = await putPlatform(store, {});
    const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: await make(amd64, store) });
    await store.writeBlob(bytes);
    return { store, amd64, digest: sha256(bytes) };
  };
  const gone = (more: object) => ({ mediaType: OCI_MANIFEST, digest: sha256('gone'), size: 4, ...more });
  const unsaid = ({ platform: _, ...entry }: Descriptor) => entry;
  const windows = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.1' };

  const GOOD: readonly (readonly [string, (amd64: Descriptor, store: Store) => Promise<readonly object[]>])[] = [
    ['an entry without a platform', async (amd64) => [gone({}), amd64]],
    ['nothing but an entry without a platform', async (amd64) => [unsaid(amd64)]],
    [
      'entries without a platform that are no images',
      async (amd64, store) => [unsaid(await putPlatform(store, { configType: 'application/x+json' })), unsaid(amd64)],
    ],
    ['an artifact that is no manifest', async (amd64) => [gone({ mediaType: 'application/vnd.example.sbom+json' }), amd64]],
    ['one manifest twice', async (amd64) => [amd64, amd64]],
    ['two for a platform that nobody asks for', async (amd64) => [gone({ platform: windows }), gone({ platform: windows, digest: sha256('2') }), amd64]],
    [
      'two for the other platform',
      async (amd64) => [1, 2].map((at) => gone({ platform: { os: 'linux', architecture: 'arm64' }, digest: sha256(`${at}`) })).concat(amd64 as never),
    ],
    ['an index with the image in it', async (amd64, store) => [unsaid(await putIndex(store, [amd64]))]],
    ['an index as the platform', async (amd64, store) => [{ ...(await putIndex(store, [amd64])), platform: amd64.platform }]],
    [
      'an index as the platform, in which it is listed among others',
      async (amd64, store) => [
        gone({ platform: windows }),
        {
          ...(await writeIndex(store, [gone({ platform: { os: 'linux', architecture: 'arm64' } }), unsaid(amd64)])),
          platform: { os: 'linux', architecture: 'x86_64' },
        },
      ],
    ],
    [
      'an index as the platform, four deep',
      async (amd64, store) => {
        let index = amd64;
        for (let depth = 0; depth < 4; depth++) index = { ...(await putIndex(store, [index])), platform: amd64.platform! };
        return [index];
      },
    ],
    ['one manifest twice, once with the variant', async (amd64) => [amd64, { ...amd64, platform: { ...amd64.platform, variant: 'v1' } }]],
    ['an index that is gone', async (amd64) => [gone({ mediaType: OCI_INDEX }), amd64]],
    ['the platform by another name', async (amd64) => [{ ...amd64, platform: { os: 'Linux', architecture: 'x86_64' } }]],
    ['an attestation', async (amd64) => [amd64, gone({ platform: { os: 'unknown', architecture: 'unknown' } })]],
  ];
  it.each(GOOD)('is read all the same if it lists %s', async (_, make) => {
    const { store, amd64, digest } = await listing(make);
    const { platforms } = await readImage(store, digest, { platforms: ['linux/amd64'] });
    expect(platforms.map(({ platform, descriptor }) => [platform, descriptor.digest])).toEqual([['linux/amd64', amd64.digest]]);
  });

  const DOUBTFUL: readonly (readonly [string, (amd64: Descriptor, store: Store) => Promise<readonly object[]>, string])[] = [
    ['two manifests for the platform', async (amd64) => [amd64, { ...amd64, digest: sha256('other') }], 'ERR_MANIFEST_INVALID'],
    [
      'two of other versions',
      async (amd64) => [amd64, { ...amd64, digest: sha256('other'), platform: { ...amd64.platform, 'os.version': '2' } }],
      'ERR_MANIFEST_INVALID',
    ],
    [
      'two that say no platform',
      async (amd64, store) => [unsaid(amd64), unsaid(await putPlatform(store, { annotations: { a: 'b' } }))],
      'ERR_MANIFEST_INVALID',
    ],
    [
      'an index as the platform that lists nothing for it',
      async (amd64, store) => [{ ...(await writeIndex(store, [{ ...amd64, platform: { os: 'linux', architecture: 's390x' } }])), platform: amd64.platform }],
      'ERR_MANIFEST_INVALID',
    ],
    [
      'an index as the platform, and a manifest',
      async (amd64, store) => [{ ...(await putIndex(store, [amd64])), platform: amd64.platform }, amd64],
      'ERR_MANIFEST_INVALID',
    ],
    ['one that is gone', async () => [gone({ platform: { os: 'linux', architecture: 'amd64' } })], 'ERR_MANIFEST_UNKNOWN'],
    ['none', async () => [gone({ mediaType: 'application/x+json' })], 'ERR_PLATFORM_MISSING'],
  ];
  it.each(DOUBTFUL)('is refused if it lists %s', async (_, make, code) => {
    const { store, digest } = await listing(make);
    expect(await codeOf(() => readImage(store, digest, { platforms: ['linux/amd64'] }))).toBe(code);
  });

  it.each(DOUBTFUL.slice(0, 3))('is built on all the same, by the first of %s', async (_, make) => {
    const { store, amd64, digest } = await listing(make);
    const { platforms } = await readImage(store, digest, { platforms: ['linux/amd64'], repeated: 'first' });
    expect(platforms.map(({ descriptor }) => descriptor.digest)).toEqual([amd64.digest]);
  });

  it('is refused if it is an index as the platform in more than four others', async () => {
    const { store, digest } = await listing(async (amd64, store) => {
      let index = amd64;
      for (let depth = 0; depth < 5; depth++) index = { ...(await putIndex(store, [index])), platform: amd64.platform! };
      return [index];
    });
    expect(await codeOf(() => readImage(store, digest, { platforms: ['linux/amd64'] }))).toBe('ERR_MANIFEST_INVALID');
  });

  it('is refused if more than 100 entries would have to be looked into, on all levels together, and no more are', async () => {
    const { store, digest } = await listing(async (amd64, store) => {
      const leaves = (of: number) => Array.from({ length: 20 }, (_, at) => ({ mediaType: OCI_MANIFEST, digest: sha256(`${of} ${at}`), size: 4 }));
      const inner = await Promise.all(Array.from({ length: 10 }, async (_, of) => unsaid(await writeIndex(store, leaves(of)))));
      return [...inner, unsaid(amd64)];
    });
    let reads = 0;
    const counted = { ...store, readManifest: (each: Digest) => ((reads += 1), store.readManifest(each)) };
    const error = await errorOf(() => readImage(counted, digest, { platforms: ['linux/amd64'] }));
    expect(error.message).toMatch(/^ERR_MANIFEST_INVALID: index sha256:\w+ lists more than 100 indexes, and manifests without a platform/);
    expect(reads).toBeLessThanOrEqual(101);
  });

  it('is refused if indexes lie in each other without end', async () => {
    const { store, digest } = await listing(async (amd64, store) => {
      let index = await putIndex(store, [amd64]);
      for (let depth = 0; depth < 6; depth++) index = await putIndex(store, [unsaid(index) as Descriptor]);
      return [index];
    });
    expect(['ERR_MANIFEST_INVALID', 'ERR_PLATFORM_MISSING']).toContain(await codeOf(() => readImage(store, digest, { platforms: ['linux/amd64'] })));
  });

  it('may have layers that registries need not have, as long as they are there', async () => {
    const { store, digest } = await indexOf({ layerType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' });
    expect((await verifyImage(store, digest)).platforms).toHaveLength(1);
    await truncate(store.blobPath(sha256(layer)), 1);
    expect(await codeOf(() => verifyImage(store, digest))).toBe('ERR_STORE_CORRUPT');
  });

  it('is copied with all that it lists, indexes too', async () => {
    const { store, amd64, digest } = await listing(async (entry, from) => [unsaid(await putIndex(from, [entry])), entry]);
    const to = openStore(temporaryFolder('oci'));
    await copyImage(store, to, digest);
    expect(await to.missing(digest)).toEqual([]);
    expect((await readImage(to, digest)).platforms[0]?.descriptor.digest).toBe(amd64.digest);
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
