import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { chunksOf, jsonBytes, problemsOf, temporaryFolder } from '@pinlane/testing';
import {
  assembleImage,
  describe as describeBytes,
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_LAYER_ZSTD,
  OCI_MANIFEST,
  openStore,
  parseDockerfile,
  parseManifest,
  readBuildContext,
  sha256,
  verifyImage,
  type ContentSource,
  type Descriptor,
  type Store,
} from '../../src/index.ts';
import { build, inspect, packTar, putBase, writeFiles } from '../support/building.ts';
import { verifyWhole } from '../support/images.ts';

let folder: string;
let context: string;
let store: Store;
let source: Store;
beforeEach(async () => {
  folder = temporaryFolder('oci');
  context = join(folder, 'context');
  store = openStore(join(folder, 'store'));
  source = openStore(join(folder, 'source'));
  await writeFiles(context, { Dockerfile: 'FROM base\nCOPY a /\n', a: 'a' });
});

/** A source that counts what is read from it. */
const counting = (from: ContentSource) => {
  const opened: string[] = [];
  const counted: ContentSource = {
    readManifest: (digest) => {
      opened.push(digest);
      return from.readManifest(digest);
    },
    openBlob: (blob) => {
      opened.push(blob.digest);
      return from.openBlob(blob);
    },
  };
  return { counted, opened };
};

const buildOn = async (from: ContentSource, digest: Descriptor['digest'], signal = new AbortController().signal, into = store) => {
  const read = await readBuildContext(context);
  return assembleImage({
    context: read,
    dockerfile: parseDockerfile(read.dockerfile.text, 'Dockerfile'),
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArgs: {},
    labels: {},
    resolveBase: async () => ({ source: from, digest }),
    store: into,
    progress: () => undefined,
    signal,
  });
};

/** One platform's manifest over one layer, by hand. */
const putManifest = async (types: { manifest: string; config: string; layer: string }, blob: Uint8Array, tar: Uint8Array, config: object = {}) => {
  await source.writeBlob(blob);
  const configs = await Promise.all(
    ['amd64', 'arm64'].map(async (architecture) => {
      const bytes = jsonBytes({ architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: [sha256(tar)] } });
      await source.writeBlob(bytes);
      const manifest = jsonBytes({
        schemaVersion: 2,
        mediaType: types.manifest,
        config: describeBytes(types.config, bytes),
        layers: [describeBytes(types.layer, blob)],
      });
      const descriptor = describeBytes(types.manifest, manifest);
      await source.putManifest(descriptor, manifest);
      return { ...descriptor, platform: { os: 'linux', architecture } };
    }),
  );
  const index = jsonBytes({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: configs });
  const descriptor = describeBytes('application/vnd.oci.image.index.v1+json', index);
  await source.putManifest(descriptor, index);
  return { digest: descriptor.digest, children: configs };
};

describe('a base', () => {
  it('is carried over byte for byte, and read once', async () => {
    const digest = await putBase(source, [[{ name: 'x', content: 'x' }]]);
    const { counted, opened } = counting(source);
    const image = await buildOn(counted, digest);
    const before = (await verifyImage(source, digest)).platforms[0]!.manifest.layers;
    const after = (await verifyImage(store, image.index.digest, { blobs: 'hashed' })).platforms[0]!.manifest.layers;
    expect(after[0]).toEqual(before[0]);
    expect(opened.filter((each) => each === before[0]!.digest)).toHaveLength(1);
    opened.length = 0;
    await writeFiles(context, { a: 'changed' });
    await buildOn(counted, digest);
    expect(opened).not.toContain(before[0]!.digest);
  });

  it('is asked for nothing by a later build, and again for what the store has lost or had altered', async () => {
    const digest = await putBase(source, [[{ name: 'x', content: 'x' }]]);
    const { counted, opened } = counting(source);
    const image = await buildOn(counted, digest);
    opened.length = 0;
    await buildOn(counted, digest);
    expect(opened).toEqual([]);
    const { config } = (await verifyImage(source, digest)).platforms[0]!.manifest;
    await rm(store.blobPath(digest));
    await writeFile(store.blobPath(config.digest), (await readFile(store.blobPath(config.digest), 'utf8')).replace('linux', 'xunil'));
    expect((await buildOn(counted, digest)).index).toEqual(image.index);
    expect(new Set(opened)).toEqual(new Set([digest, config.digest]));
    opened.length = 0;
    await buildOn(counted, digest);
    expect(opened).toEqual([]);
  });

  it('is listed once: a later build does not unpack it again', async () => {
    const digest = await putBase(store, [[{ name: 'x', content: 'x' }]]);
    await build(context, store, { bases: { base: digest } });
    const { counted, opened } = counting(store);
    const watched = { ...store, openBlob: counted.openBlob };
    await buildOn(watched, digest, undefined, watched);
    const configs = (await verifyImage(store, digest)).platforms.map(({ manifest }) => manifest.config.digest);
    expect(opened.sort()).toEqual(configs.sort());
  });

  it('is listed again when what is kept of it is damaged or gone', async () => {
    const digest = await putBase(store, [[{ name: 'x', content: 'x' }]]);
    const first = await build(context, store, { bases: { base: digest } });
    const { platforms } = await verifyImage(store, digest);
    const kept = join(store.root, '.pinlane-layers', 'listings', `${platforms[0]!.manifest.layers[0]!.digest.slice(7)}.json`);
    expect(await readFile(kept, 'utf8')).toContain('"x"');
    await writeFile(kept, '{"version":1,');
    expect((await build(context, store, { bases: { base: digest } })).index).toEqual(first.index);
    await rm(join(store.root, '.pinlane-layers'), { recursive: true });
    expect((await build(context, store, { bases: { base: digest } })).index).toEqual(first.index);
  });

  it('that left the store is forgotten, and what a killed build left is removed', async () => {
    const kept = join(store.root, '.pinlane-layers');
    const old = await putBase(store, [[{ name: 'old', content: 'x' }]]);
    await build(context, store, { bases: { base: old } });
    const layer = (await verifyImage(store, old)).platforms[0]!.manifest.layers[0]!.digest;
    const listing = join(kept, 'listings', `${layer.slice(7)}.json`);
    for (const name of ['work-old', 'work-new']) await mkdir(join(kept, name), { recursive: true });
    await utimes(join(kept, 'work-old'), new Date(0), new Date(0));
    await access(listing);
    await rm(store.blobPath(layer));
    await build(context, store, { bases: { base: await putBase(store, [[{ name: 'new', content: 'x' }]]) } });
    await expect(access(listing)).rejects.toThrow('ENOENT');
    await expect(access(join(kept, 'work-old'))).rejects.toThrow('ENOENT');
    await access(join(kept, 'work-new'));
  });

  it('of Docker’s media types becomes a valid OCI image with the same blobs', async () => {
    const tar = await packTar([{ name: 'x', content: 'x' }]);
    const blob = gzipSync(tar);
    const { digest } = await putManifest({ manifest: DOCKER_MANIFEST, config: DOCKER_CONFIG, layer: DOCKER_LAYER_GZIP }, blob, tar, {
      OnBuild: null,
      Volumes: null,
    });
    const image = await buildOn(source, digest);
    const manifest = parseManifest((await store.readManifest(image.platforms.amd64!.digest)).bytes);
    expect([manifest.mediaType, manifest.config.mediaType, ...manifest.layers.map(({ mediaType }) => mediaType)]).toEqual([
      OCI_MANIFEST,
      OCI_CONFIG,
      'application/vnd.oci.image.layer.v1.tar+gzip',
      'application/vnd.oci.image.layer.v1.tar+gzip',
    ]);
    expect(manifest.layers[0]!.digest).toBe(sha256(blob));
  });

  it('may be packed with zstd', async () => {
    const tar = await packTar([{ name: 'dir/x', content: 'from zstd' }]);
    const { digest } = await putManifest({ manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER_ZSTD }, zstdCompressSync(tar), tar);
    await writeFiles(context, { Dockerfile: 'FROM scratch\nCOPY --from=base /dir/x /y\n' });
    expect((await inspect(store, await buildOn(source, digest))).layers).toMatchObject([[{ name: 'y', content: 'from zstd' }]]);
  });

  it('may be one platform’s manifest, for that platform alone', async () => {
    const tar = await packTar([{ name: 'x' }]);
    const { children } = await putManifest({ manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER_ZSTD }, zstdCompressSync(tar), tar);
    const amd64 = children[0]!.digest;
    expect((await build(context, source, { bases: { base: amd64 }, platforms: ['linux/amd64'] })).platforms.amd64).toBeDefined();
    expect(await problemsOf(() => build(context, source, { bases: { base: amd64 } }))).toMatchObject([{ code: 'ERR_PLATFORM_MISSING' }]);
  });

  it('with a platform too few is refused', async () => {
    const digest = await putBase(source, [[{ name: 'x' }]], {}, ['amd64']);
    expect(await problemsOf(() => buildOn(source, digest))).toMatchObject([{ code: 'ERR_PLATFORM_MISSING' }]);
  });

  it('with ONBUILD instructions is refused', async () => {
    const digest = await putBase(source, [[{ name: 'x' }]], { OnBuild: ['RUN make'] });
    expect(await problemsOf(() => buildOn(source, digest))).toMatchObject([{ code: 'ERR_DOCKERFILE_UNSUPPORTED' }]);
  });

  it('whose layer does not unpack to what its config says is refused', async () => {
    const [tar, other] = [await packTar([{ name: 'x' }]), await packTar([{ name: 'y' }])];
    const { digest } = await putManifest({ manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER_ZSTD }, zstdCompressSync(tar), other);
    expect(await problemsOf(() => buildOn(source, digest))).toMatchObject([{ code: 'ERR_DIGEST_MISMATCH' }]);
  });

  it('whose layer is no archive is refused', async () => {
    const noise = Buffer.from('not compressed at all');
    const { digest } = await putManifest({ manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER_ZSTD }, noise, noise);
    expect(await problemsOf(() => buildOn(source, digest))).toMatchObject([{ code: 'ERR_MANIFEST_INVALID' }]);
  });

  it('whose source sends other bytes is refused, and they do not stay', async () => {
    const digest = await putBase(source, [[{ name: 'x', content: 'x' }]]);
    const layer = (await verifyImage(source, digest)).platforms[0]!.manifest.layers[0]!;
    const lying: ContentSource = {
      readManifest: (each) => source.readManifest(each),
      openBlob: (blob) => (blob.digest === layer.digest ? chunksOf(Buffer.alloc(layer.size)) : source.openBlob(blob)),
    };
    expect(await problemsOf(() => buildOn(lying, digest))).toMatchObject([{ code: 'ERR_DIGEST_MISMATCH' }]);
    expect(await store.hasBlob(layer)).toBe(false);
  });
});

describe('a build', () => {
  it('stops when it is told to', async () => {
    const digest = await putBase(source, [[{ name: 'x', content: 'x' }]]);
    const controller = new AbortController();
    controller.abort();
    expect(await problemsOf(() => buildOn(source, digest, controller.signal))).toMatchObject([{ code: 'ERR_CANCELLED' }]);
  });

  it('stops in the middle of a layer', async () => {
    const digest = await putBase(source, [[{ name: 'x', content: 'x'.repeat(1000) }]]);
    const layer = (await verifyImage(source, digest)).platforms[0]!.manifest.layers[0]!.digest;
    const controller = new AbortController();
    const slow: ContentSource = {
      readManifest: (each) => source.readManifest(each),
      openBlob: async function* (blob) {
        for await (const chunk of source.openBlob(blob)) {
          yield chunk;
          if (blob.digest === layer) controller.abort();
          yield new Uint8Array();
        }
      },
    };
    expect(await problemsOf(() => buildOn(slow, digest, controller.signal))).toMatchObject([{ code: 'ERR_CANCELLED' }]);
    await expect(access(store.blobPath(layer))).rejects.toThrow('ENOENT');
  });

  it('needs no more memory for a large file', async () => {
    await writeFiles(context, { Dockerfile: 'FROM scratch\nCOPY large /\n' });
    await writeFile(join(context, 'large'), '');
    await truncate(join(context, 'large'), 192 * 1024 * 1024);
    // Not resourceUsage(): its maximum is handed down by whoever starts a process, and a large one would hide what this one takes.
    const script = `
      import { readFileSync } from 'node:fs';
      import { readBuildContext, parseDockerfile, assembleImage, openStore } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
      const peak = () => Number(/^VmHWM:\\s+(\\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const before = peak();
      const context = await readBuildContext(${JSON.stringify(context)});
      await assembleImage({ context, dockerfile: parseDockerfile(context.dockerfile.text, 'Dockerfile'), platforms: ['linux/amd64', 'linux/arm64'], buildArgs: {}, labels: {},
        resolveBase: () => { throw new Error('no base'); }, store: openStore(${JSON.stringify(store.root)}), progress: () => {}, signal: new AbortController().signal });
      console.log(peak() - before);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@pinlane/source', '--input-type=module', '-e', script]);
    // A few chunks, and what the code itself takes: 7 MB where this was written. Chunks of its own for every read made it 60 to 160.
    expect(Number(stdout) / 1024).toBeLessThan(30);
  }, 120_000);

  it('is refused when a file changes under it, and leaves no image', async () => {
    const read = await readBuildContext(context);
    await writeFile(join(context, 'a'), 'b');
    const digest = await putBase(store, [[{ name: 'x', content: 'x' }]]);
    const problems = await problemsOf(() =>
      assembleImage({
        context: read,
        dockerfile: parseDockerfile(read.dockerfile.text, 'Dockerfile'),
        platforms: ['linux/amd64'],
        buildArgs: {},
        labels: {},
        resolveBase: async () => ({ source: store, digest }),
        store,
        progress: () => undefined,
        signal: new AbortController().signal,
      }),
    );
    expect(problems).toMatchObject([{ code: 'ERR_CONTEXT_INVALID', message: expect.stringContaining('"a"') }]);
  });

  it('gives the same from two at once on one store', async () => {
    const digest = await putBase(store, [[{ name: 'x', content: 'x' }]]);
    const images = await Promise.all(Array.from({ length: 4 }, () => build(context, openStore(store.root), { bases: { base: digest } })));
    expect(new Set(images.map(({ index }) => index.digest)).size).toBe(1);
    await verifyWhole(store, images[0]!.index.digest);
  });
});
