import { mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatReference, isPinlaneError, type Digest, type PinlaneError } from '@pinlane/contracts';
import { codeOf, drain, errorOf, makeImage, startRegistry, temporaryFolder, type Fault, type RegistryOptions, type TestRegistry } from '@pinlane/testing';
import { openStore, unpackImage, verifyImage, type Store } from '../../../src/index.ts';
import { blobRequests, leaveLayers, reachingStore, repositoryIn } from '../../support/left-base.ts';
import { writers } from '../../support/processes.ts';

const started = writers();
let folder: string;
let registry: TestRegistry;
const closing: (() => Promise<void>)[] = [];
const registryWith = async (options: RegistryOptions = {}): Promise<TestRegistry> => {
  const started = await startRegistry(options);
  closing.push(started.close);
  return started;
};
beforeEach(async () => {
  folder = temporaryFolder('oci');
  registry = await registryWith();
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const isHere = (store: Store, digest: Digest): Promise<boolean> =>
  stat(store.blobPath(digest)).then(
    () => true,
    () => false,
  );
const notesOf = (store: Store, digest: Digest): string => join(store.root, '.pinlane-origins', digest.replace(':', '-'));
const noteIn = async (store: Store, digest: Digest): Promise<string> => join(notesOf(store, digest), (await readdir(notesOf(store, digest)))[0]!);
const failureOf = async (work: Promise<unknown>): Promise<PinlaneError> => {
  const error = await errorOf(() => work);
  if (!isPinlaneError(error)) throw error;
  return error;
};

describe('A layer that the store left in a registry', () => {
  it('is no lack of the image, and is fetched, checked and kept when it is read', async () => {
    const { store, lines } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    expect(await store.missing(root)).toEqual([]);
    expect(await store.missing(root, { hashed: new Set() })).toEqual([]);
    expect(registry.requests).toEqual([]);
    const [layer] = layers;
    expect((await drain(store.openBlob(layer!))).equals(Buffer.from(layer!.bytes))).toBe(true);
    expect((await drain(store.openBlob(layer!))).equals(Buffer.from(layer!.bytes))).toBe(true);
    expect(blobRequests(registry, 'GET')).toEqual([layer!.digest]);
    expect(await isHere(store, layer!.digest)).toBe(true);
    expect(lines.join()).toContain(`of ${registry.host}/team/base`);
  });

  it('is fetched once, however many ask for it at once', async () => {
    const stores = Array.from({ length: 4 }, () => reachingStore(folder).store);
    const { layers } = await leaveLayers(stores[0]!, registry, 'team/base');
    await Promise.all(stores.flatMap((store) => [store.bring(layers), store.bring(layers), drain(store.openBlob(layers[0]!))]));
    expect(blobRequests(registry, 'GET').sort()).toEqual(layers.map(({ digest }) => digest).sort());
  });

  it('is fetched once for all processes, and by another where the one that fetches it is killed', async () => {
    const { store } = reachingStore(folder);
    const { layers } = await leaveLayers(store, registry, 'team/base', makeImage({ layerSize: 300_000 }));
    const bring = (at: number) => started('bring', store.root, layers[at]!.digest, String(layers[at]!.size));
    await Promise.all([bring(0), bring(0), bring(0)].map(({ done }) => done));
    expect(blobRequests(registry, 'GET')).toEqual([layers[0]!.digest]);

    registry.faults.push({ when: ({ url }) => url.endsWith(layers[1]!.digest), times: 1, fault: { kind: 'hang' } });
    const hanging = bring(1);
    while (!blobRequests(registry, 'GET').includes(layers[1]!.digest)) await sleep(20);
    const next = [bring(1), bring(1)];
    await Promise.all(next.map(({ said }) => said(1)));
    await hanging.kill();
    await Promise.all(next.map(({ done }) => done));
    expect(blobRequests(registry, 'GET')).toEqual([layers[0]!.digest, layers[1]!.digest, layers[1]!.digest]);
    expect(await drain(store.openBlob(layers[1]!))).toHaveLength(300_000);
  }, 60_000);

  it('is passed on without being kept', async () => {
    const { store } = reachingStore(folder);
    const { layers } = await leaveLayers(store, registry, 'team/base');
    expect((await drain(store.passBlob(layers[0]!))).equals(Buffer.from(layers[0]!.bytes))).toBe(true);
    expect(await isHere(store, layers[0]!.digest)).toBe(false);
  });

  it('is asked for where its image is verified, and not fetched', async () => {
    const { store } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    const known = new Set<Digest>();
    await verifyImage(store, root, { blobs: 'hashed', known });
    await verifyImage(store, root, { blobs: 'hashed', known });
    await verifyImage(store, root);
    const digests = layers.map(({ digest }) => digest);
    expect(blobRequests(registry, 'GET')).toEqual([]);
    expect(blobRequests(registry, 'HEAD').sort()).toEqual([...digests, ...digests].sort());
    registry.blobs.delete(digests[0]!);
    expect(await codeOf(() => verifyImage(store, root, { blobs: 'hashed' }))).toBe('ERR_LAYER_GONE');
  });

  it('is fetched where its image is unpacked', async () => {
    const { store } = reachingStore(folder);
    const { root } = await leaveLayers(store, registry, 'team/base');
    const options = { platform: 'linux/amd64', cacheDir: join(folder, 'trees') } as const;
    const { rootfs } = await unpackImage(store, root, options);
    expect((await stat(rootfs)).isDirectory()).toBe(true);
    expect(blobRequests(registry, 'GET')).toHaveLength(1);
    await unpackImage(store, root, options);
    expect(blobRequests(registry, 'GET')).toHaveLength(1);
  });

  it('is taken from another repository if the first does not have it, or lies', async () => {
    const [empty, liar] = [
      await registryWith(),
      await registryWith({ faults: [{ when: ({ url }) => url.includes('/blobs/'), fault: { kind: 'answer', status: 200, body: 'lie' } }] }),
    ];
    const { store } = reachingStore(folder);
    const { layers, known } = await leaveLayers(store, registry, 'team/base');
    for (const other of [empty, liar]) await store.noteOrigin({ ...repositoryIn(other, 'a/b'), digest: known.digest }, layers);
    await store.bring(layers);
    expect(await Promise.all(layers.map((layer) => store.hasBlob(layer)))).toEqual([true, true]);
  });

  it('replaces a file in its place that has another size', async () => {
    const { store } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    await store.bring(layers);
    await truncate(store.blobPath(layers[0]!.digest), 1);
    expect(await store.missing(root)).toEqual([]);
    expect(await drain(store.openBlob(layers[0]!))).toHaveLength(layers[0]!.size);
  });

  it('is a lack of the image if it was brought and altered, as long as nobody removes it', async () => {
    const { store } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    await store.bring(layers);
    await writeFile(store.blobPath(layers[0]!.digest), Buffer.from(layers[0]!.bytes).fill(0, 0, 1));
    expect(await store.missing(root)).toEqual([layers[0]!.digest]);
    expect(await store.missing(root, { hashed: new Set() })).toEqual([layers[0]!.digest]);
    expect(await codeOf(() => verifyImage(store, root, { blobs: 'hashed' }))).toBe('ERR_STORE_CORRUPT');
    await rm(store.blobPath(layers[0]!.digest));
    expect(await store.missing(root)).toEqual([]);
  });

  it.each<[string, Fault, string]>([
    ['is gone', { kind: 'answer', status: 404 }, 'ERR_LAYER_GONE'],
    ['has other bytes there', { kind: 'answer', status: 200, body: 'other bytes' }, 'ERR_DIGEST_MISMATCH'],
    ['is in a registry that is down', { kind: 'answer', status: 503 }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['is in a registry that hangs', { kind: 'hang' }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['is in a registry that cuts the connection', { kind: 'reset' }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['may not be read', { kind: 'answer', status: 403 }, 'ERR_REGISTRY_DENIED'],
  ])('and %s, is named with its digest, its image and the repository, and nothing is kept', async (_, fault, code) => {
    const { store } = reachingStore(folder, { idleMs: 200, retry: { attempts: 2 } });
    const { layers, known } = await leaveLayers(store, registry, 'team/base');
    registry.faults.push({ when: ({ url }) => url.includes('/blobs/'), fault });
    const errors = [await failureOf(store.bring([layers[0]!])), await failureOf(drain(store.passBlob(layers[0]!)))];
    for (const { code: found, message, problems } of errors) {
      expect(found).toBe(code);
      for (const part of [layers[0]!.digest, formatReference(known)]) expect(message).toContain(part);
      expect(problems[0]!.fix).toBeTruthy();
    }
    expect(await isHere(store, layers[0]!.digest)).toBe(false);
    expect(await readdir(join(store.root, '.pinlane-tmp'))).toEqual([]);
  });

  it('is named, too, by a store that reaches no registry', async () => {
    const { store } = reachingStore(folder);
    const { layers, known, root } = await leaveLayers(store, registry, 'team/base');
    const plain = openStore(store.root);
    expect(await plain.missing(root)).toEqual([]);
    const { code, message } = await failureOf(drain(plain.openBlob(layers[0]!)));
    expect(code).toBe('ERR_BLOB_UNKNOWN');
    expect(message).toContain(formatReference(known));
  });
});

describe('A note of where a layer is', () => {
  const altered: readonly (readonly [string, (path: string, text: string) => Promise<unknown>])[] = [
    ['is no JSON', (path) => writeFile(path, 'team/base')],
    ['is empty', (path) => truncate(path)],
    ['has one key more', (path, text) => writeFile(path, text.replace('{', '{"more":1,'))],
    [
      'is of another layer',
      (path, text) =>
        writeFile(
          path,
          text.replace(/"blob":"sha256:./, (found) => found.slice(0, -1) + (found.endsWith('0') ? '1' : '0')),
        ),
    ],
    ['has another size', (path, text) => writeFile(path, text.replace('"size":', '"size":1'))],
    ['names another repository than its file', (path, text) => writeFile(path, text.replace('team/base', 'evil/base'))],
    ['names no digest', (path, text) => writeFile(path, text.replace(/@sha256:[0-9a-f]+/, ':latest'))],
    ['names the store', (path, text) => writeFile(path, text.replace(/"image":"[^/]+/, '"image":"store.localhost'))],
    ['has a host with a login', (path, text) => writeFile(path, text.replace('"image":"', '"image":"me:secret@'))],
    ['is huge', (path, text) => writeFile(path, text + ' '.repeat(10_000))],
    ['is a folder', async (path) => rm(path).then(() => mkdir(path))],
    ['is a link that leads nowhere', async (path) => rm(path).then(() => symlink('/nowhere', path))],
  ];
  it.each(altered)('that %s is not believed: nobody is asked, and the layer is missing', async (what, alter) => {
    const { store, lines } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    const path = await noteIn(store, layers[0]!.digest);
    await alter(path, await readFile(path, 'utf8'));
    expect(await store.missing(root)).toEqual([layers[0]!.digest]);
    expect(await codeOf(() => drain(store.openBlob(layers[0]!)))).toBe('ERR_STORE_CORRUPT');
    expect(registry.requests).toEqual([]);
    expect(lines.filter((line) => line.includes('is ignored'))).toHaveLength(what.includes('link') ? 0 : 1);
  });

  it('is left where a folder is that should hold it', async () => {
    const { store } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    await rm(notesOf(store, layers[0]!.digest), { recursive: true });
    await writeFile(notesOf(store, layers[0]!.digest), 'no folder');
    expect(await store.missing(root)).toEqual([layers[0]!.digest]);
  });

  it('sends nobody to a layer of the same name with other bytes', async () => {
    const { store } = reachingStore(folder);
    const { layers } = await leaveLayers(store, registry, 'team/base');
    const evil = await registryWith();
    evil.blobs.set(layers[0]!.digest, Buffer.from(layers[0]!.bytes).fill(0, 0, 1));
    await rm(notesOf(store, layers[0]!.digest), { recursive: true });
    await store.noteOrigin({ ...repositoryIn(evil, 'team/base'), digest: layers[0]!.digest }, layers);
    expect(await codeOf(() => store.bring([layers[0]!]))).toBe('ERR_DIGEST_MISMATCH');
    expect(await isHere(store, layers[0]!.digest)).toBe(false);
  });

  it('stays as long as an image in use needs it, and goes with the image, but not while it is new', async () => {
    const { store } = reachingStore(folder);
    const { root, layers } = await leaveLayers(store, registry, 'team/base');
    const age = async () => {
      for (const { digest } of layers) {
        await utimes(await noteIn(store, digest), 1, 1);
        await utimes(notesOf(store, digest), 1, 1);
      }
    };
    expect(await store.collect({ keep: [root], graceMs: 0 })).toEqual({ removed: [], bytes: 0 });
    await age();
    await store.collect({ keep: [root] });
    expect(await store.missing(root)).toEqual([]);
    await store.noteOrigin({ ...repositoryIn(registry, 'team/base'), digest: root }, layers);
    await store.collect({ keep: [] });
    expect(await store.missing(root)).toEqual([]);
    await age();
    await store.collect({ keep: [], dryRun: true });
    expect(await store.missing(root)).toEqual([]);
    await store.collect({ keep: [] });
    expect(await store.missing(root)).toEqual(layers.map(({ digest }) => digest).sort());
  });

  it('does not stand for the layer of an image that nobody put', async () => {
    const { store } = reachingStore(folder);
    const image = makeImage();
    await store.writeBlob(image.platforms[0]!.config.bytes);
    expect(await codeOf(() => store.putManifest(image.platforms[0]!.descriptor, image.platforms[0]!.bytes))).toBe('ERR_STORE_CORRUPT');
  });
});
