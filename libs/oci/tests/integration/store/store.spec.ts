import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { digestHex, type Digest } from '@pinlane/contracts';
import { chunksOf, codeOf, drain, errorOf, makeImage, putImage, temporaryFolder, type TestImage } from '@pinlane/testing';
import { OCI_INDEX, openStore, sha256, type Store } from '../../../src/index.ts';
import { verifyWhole } from '../../support/images.ts';

const emptyStore = async (): Promise<Store> => openStore(join(temporaryFolder('oci'), 'store'));
const filled = async (image: TestImage = makeImage()) => {
  const store = await emptyStore();
  await putImage(store, image);
  return { store, image, root: image.index.descriptor.digest };
};
const blobsOf = async ({ root }: Store) => (await readdir(join(root, 'blobs', 'sha256'))).sort();
const alter = async (path: string) => {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
};
const age = (path: string) => utimes(path, 1, 1);
/** Makes everything in the store look old, so that no grace protects it. */
const ageAll = async (store: Store) => {
  for (const hex of await blobsOf(store)) await age(store.blobPath(`sha256:${hex}` as Digest));
};

describe('The store', () => {
  it('is an OCI image layout', async () => {
    const { store, image } = await filled();
    await store.name('llm-litellm', image.index.descriptor);
    expect(JSON.parse(await readFile(join(store.root, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8'))).toEqual({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ ...image.index.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'llm-litellm' } }],
    });
    expect(await blobsOf(store)).toEqual([image.index, ...image.platforms, ...image.blobs].map(({ descriptor }) => digestHex(descriptor.digest)).sort());
  });

  it('makes nothing as long as it is only read', async () => {
    const store = await emptyStore();
    expect(await store.names()).toEqual(new Map());
    expect(await codeOf(() => store.resolve('absent'))).toBe('ERR_MANIFEST_UNKNOWN');
    expect(await codeOf(() => store.readManifest(sha256('absent')))).toBe('ERR_MANIFEST_UNKNOWN');
    expect(await store.missing(sha256('absent'))).toEqual([sha256('absent')]);
    expect(await store.collect({ keep: [] })).toEqual({ removed: [], bytes: 0 });
    await expect(stat(store.root)).rejects.toThrow('ENOENT');
  });

  it('gives back what was put, from bytes and from a stream', async () => {
    const store = await emptyStore();
    const bytes = Buffer.alloc(1_000_000, 'some bytes ');
    const blob = await store.writeBlob(chunksOf(bytes));
    expect(blob).toEqual({ digest: sha256(bytes), size: bytes.length });
    expect(await store.writeBlob(bytes)).toEqual(blob);
    expect((await drain(store.openBlob(blob))).equals(bytes)).toBe(true);
    expect(Buffer.from(await store.readBlob(blob.digest, 1_000_000)).equals(bytes)).toBe(true);
    expect(await codeOf(() => store.readBlob(blob.digest, 999_999))).toBe('ERR_STORE_CORRUPT');
  });

  it('does not open the source of a blob that it has', async () => {
    const { store, image } = await filled();
    await store.putBlob(image.blobs[0]!.descriptor, () => {
      throw new Error('opened');
    });
  });

  it('keeps nothing of a blob whose bytes are not what was announced', async () => {
    const store = await emptyStore();
    const blob = { digest: sha256('one'), size: 3 };
    expect(await codeOf(() => store.putBlob(blob, () => chunksOf(Buffer.from('two'))))).toBe('ERR_DIGEST_MISMATCH');
    expect(await store.hasBlob(blob)).toBe(false);
    expect(await blobsOf(store)).toEqual([]);
    expect(await readdir(join(store.root, '.pinlane-tmp'))).toEqual([]);
  });

  it('refuses a manifest whose parts it does not have', async () => {
    const store = await emptyStore();
    const { platforms, blobs } = makeImage();
    const { descriptor, bytes } = platforms[0]!;
    expect((await errorOf(() => store.putManifest(descriptor, bytes))).message).toMatch(blobs[1]!.descriptor.digest);
    expect(await store.hasBlob(descriptor)).toBe(false);
  });

  it('refuses a manifest with another digest or media type than announced', async () => {
    const { store, image } = await filled();
    const { descriptor, bytes } = image.platforms[0]!;
    expect(await codeOf(() => store.putManifest({ ...descriptor, digest: sha256('x') }, bytes))).toBe('ERR_DIGEST_MISMATCH');
    expect(await codeOf(() => store.putManifest({ ...descriptor, mediaType: OCI_INDEX }, bytes))).toBe('ERR_MANIFEST_INVALID');
  });

  it('goes on after it was wiped under a process that has it open', async () => {
    const { store, image } = await filled();
    await rm(store.root, { recursive: true });
    await putImage(store, image);
    await store.name('again', image.index.descriptor);
    await verifyWhole(store, (await openStore(store.root).resolve('again')).digest);
    expect(JSON.parse(await readFile(join(store.root, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  });
});

describe('A name in the store', () => {
  it('moves from one image to another and goes when it is taken away', async () => {
    const { store, image } = await filled();
    const other = makeImage();
    await putImage(store, other);
    await store.name('b/moved', image.index.descriptor);
    await store.name('a', image.index.descriptor);
    await store.name('b/moved', other.index.descriptor);
    expect([...(await store.names())]).toEqual([
      ['a', image.index.descriptor],
      ['b/moved', other.index.descriptor],
    ]);
    await store.unname('b/moved');
    await store.unname('never-there');
    expect([...(await store.names()).keys()]).toEqual(['a']);
  });

  it('that is given again to the same image changes nothing on disk', async () => {
    const { store, image } = await filled();
    await store.name('same', image.index.descriptor);
    const before = await stat(join(store.root, 'index.json'));
    await store.name('same', image.index.descriptor);
    expect((await stat(join(store.root, 'index.json'))).ino).toBe(before.ino);
  });

  it('needs an image that is there, and the grammar that other tools read', async () => {
    const { store, image } = await filled();
    expect(await codeOf(() => store.name('absent', makeImage().index.descriptor))).toBe('ERR_STORE_CORRUPT');
    for (const name of ['', '-x', 'a b', '../x', 'a//b', 'a\n', 'x'.repeat(256)])
      expect([name, await codeOf(() => store.name(name, image.index.descriptor))]).toEqual([name, 'ERR_REFERENCE_INVALID']);
  });

  it('is one of as many as there are', async () => {
    const { store, image } = await filled();
    const { descriptor } = image.index;
    const manifests = Array.from({ length: 3000 }, (_, n) => ({ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': `n${n}` } }));
    await writeFile(join(store.root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    await store.name('one-more', descriptor);
    expect((await store.names()).size).toBe(3001);
  });

  it('leaves entries of other tools as they are', async () => {
    const { store, image } = await filled();
    const foreign = { ...image.platforms[0]!.descriptor };
    await writeFile(join(store.root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [foreign] }));
    await store.name('ours', image.index.descriptor);
    expect(JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8')).manifests[0]).toEqual(foreign);
  });
});

const becomePipe = async (path: string): Promise<void> => {
  await rm(path);
  execFileSync('mkfifo', [path]);
};

describe('A damaged store', () => {
  const damages: [string, (path: string) => Promise<unknown>, string][] = [
    ['missing', (path) => rm(path), 'missing'],
    ['truncated', (path) => truncate(path, 10), ''],
    ['empty', (path) => truncate(path, 0), ''],
    ['altered', alter, 'altered'],
    ['a pipe', (path) => becomePipe(path), ''],
    ['a folder', (path) => rm(path).then(() => mkdir(path)), ''],
  ];

  it.each(damages)('tells of a layer that is %s, by its name, and never delivers it', async (_, damage, word) => {
    const { store, image, root } = await filled();
    const { descriptor } = image.blobs[1]!;
    await damage(store.blobPath(descriptor.digest));
    const reading = await errorOf(() => drain(store.openBlob(descriptor)));
    expect([reading.code, reading.message]).toEqual(['ERR_STORE_CORRUPT', expect.stringContaining(descriptor.digest)]);
    expect(reading.message).toMatch(word);
    expect((await errorOf(() => verifyWhole(store, root))).message).toMatch(descriptor.digest);
  });

  it.each(damages)('tells of a manifest that is %s', async (what, damage) => {
    const { store, image, root } = await filled();
    const { digest } = image.platforms[1]!.descriptor;
    await damage(store.blobPath(digest));
    expect(await codeOf(() => store.readManifest(digest))).toBe(what === 'missing' ? 'ERR_MANIFEST_UNKNOWN' : 'ERR_STORE_CORRUPT');
    expect(await store.missing(root)).toContain(digest);
    expect((await errorOf(() => verifyWhole(store, root))).message).toMatch(digest);
  });

  it('waits for no pipe in the place of a large layer', async () => {
    const { store } = await filled();
    const { digest, size } = await store.writeBlob(randomBytes(3_000_000));
    await becomePipe(store.blobPath(digest));
    expect(await codeOf(() => drain(store.openBlob({ digest, size })))).toBe('ERR_STORE_CORRUPT');
  });

  it('lists cheaply what an image lacks', async () => {
    const { store, image, root } = await filled();
    expect(await store.missing(root)).toEqual([]);
    await rm(store.blobPath(image.blobs[0]!.descriptor.digest));
    await truncate(store.blobPath(image.blobs[3]!.descriptor.digest), 1);
    expect(await store.missing(root)).toEqual([image.blobs[0]!.descriptor.digest, image.blobs[3]!.descriptor.digest].sort());
  });

  it('tells of every damaged blob at once', async () => {
    const { store, image, root } = await filled();
    for (const { descriptor } of image.blobs) await alter(store.blobPath(descriptor.digest));
    expect(await store.missing(root)).toEqual(image.blobs.map(({ descriptor }) => descriptor.digest).sort());
  });

  it('is mended by putting what was lost again', async () => {
    const { store, image, root } = await filled();
    await truncate(store.blobPath(image.blobs[1]!.descriptor.digest), 3);
    await alter(store.blobPath(image.platforms[0]!.descriptor.digest));
    await putImage(store, image);
    await verifyWhole(store, root);
  });

  it('with a broken index.json says so and does not forget names silently', async () => {
    const { store, image } = await filled();
    await store.name('kept', image.index.descriptor);
    await truncate(join(store.root, 'index.json'), 20);
    for (const work of [() => store.names(), () => store.name('other', image.index.descriptor), () => store.collect({ keep: [], graceMs: 0 })])
      expect(await codeOf(work)).toBe('ERR_STORE_CORRUPT');
  });
});

describe('Garbage collection', () => {
  it('removes what nothing reaches, and only that', async () => {
    const { store, image: named } = await filled();
    const [kept, dropped] = [makeImage(), makeImage()];
    await putImage(store, kept);
    await putImage(store, dropped);
    await store.name('named', named.index.descriptor);
    await ageAll(store);
    const { removed, bytes } = await store.collect({ keep: [kept.index.descriptor.digest, sha256('pinned elsewhere')] });
    const gone = [dropped.index, ...dropped.platforms, ...dropped.blobs].map(({ descriptor }) => descriptor);
    expect(removed).toEqual(gone.map(({ digest }) => digest).sort());
    expect(bytes).toBe(gone.reduce((sum, { size }) => sum + size, 0));
    await verifyWhole(store, named.index.descriptor.digest);
    await verifyWhole(store, kept.index.descriptor.digest);
    expect(await store.missing(dropped.index.descriptor.digest)).toEqual([dropped.index.descriptor.digest]);
  });

  it('keeps a platform that is pinned by itself, without the rest of its index', async () => {
    const { store, image } = await filled();
    await ageAll(store);
    const pinned = image.platforms[0]!.descriptor.digest;
    await store.collect({ keep: [pinned] });
    await verifyWhole(store, pinned);
    expect(await blobsOf(store)).toHaveLength(3);
  });

  it('leaves alone what is young, and what was old and is in use again', async () => {
    const { store, image } = await filled();
    expect((await store.collect({ keep: [] })).removed).toEqual([]);
    await ageAll(store);
    const [config, layer] = image.blobs;
    expect(await store.hasBlob(config!.descriptor)).toBe(true);
    await store.putBlob(layer!.descriptor, () => chunksOf(layer!.bytes));
    const { removed } = await store.collect({ keep: [] });
    expect(removed).toHaveLength(5);
    expect(await blobsOf(store)).toEqual([config, layer].map((blob) => digestHex(blob!.descriptor.digest)).sort());
  });

  it('leaves alone what a manifest that was just put names', async () => {
    const { store, image, root } = await filled();
    await ageAll(store);
    for (const { bytes, descriptor } of image.platforms) await store.putManifest(descriptor, bytes);
    await store.putManifest(image.index.descriptor, image.index.bytes);
    expect((await store.collect({ keep: [] })).removed).toEqual([]);
    await verifyWhole(store, root);
  });

  it('removes nothing when it cannot tell what a damaged manifest keeps', async () => {
    const { store, image } = await filled();
    await store.name('named', image.index.descriptor);
    await ageAll(store);
    const path = store.blobPath(image.platforms[0]!.descriptor.digest);
    await alter(path);
    await age(path);
    const error = await errorOf(() => store.collect({ keep: [], graceMs: 0 }));
    expect([error.code, error.message]).toEqual(['ERR_STORE_CORRUPT', expect.stringContaining(image.platforms[0]!.descriptor.digest)]);
    expect(await blobsOf(store)).toHaveLength(7);
  });

  it('sweeps what crashed writers left behind, and not what a living one writes', async () => {
    const { store } = await filled();
    const temporary = join(store.root, '.pinlane-tmp');
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, 'left'), 'half a blob');
    await age(join(temporary, 'left'));
    await writeFile(join(temporary, 'growing'), 'half a blob');
    await store.collect({ keep: [] });
    expect(await readdir(temporary)).toEqual(['growing']);
  });
});
