import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { composeIndex, describe as descriptorOf, openStore, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { hasWholeImage } from '../../src/nx/cache-keys/stored-image.ts';

let root: string;
beforeEach(() => {
  root = temporaryFolder('stored-image');
});

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** An image of one platform, with one layer, in a store. */
const image = async () => {
  const store = openStore(root);
  const layer = descriptorOf(OCI_LAYER, new Uint8Array(1024));
  await store.writeBlob(new Uint8Array(1024));
  const configBytes = bytesOf({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [layer.digest] } });
  await store.writeBlob(configBytes);
  const manifestBytes = bytesOf({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptorOf(OCI_CONFIG, configBytes), layers: [layer] });
  const manifest = { ...descriptorOf(OCI_MANIFEST, manifestBytes), platform: { os: 'linux', architecture: 'amd64' } };
  await store.putManifest(manifest, manifestBytes);
  const index = composeIndex([manifest]);
  await store.putManifest(index.descriptor, index.bytes);
  return { store, digest: index.descriptor.digest };
};

describe('an image in the store', () => {
  it('finds an image whole as long as the store itself finds nothing missing, whichever blob is lost or torn', async () => {
    const { store, digest } = await image();
    expect([await hasWholeImage(root, digest), await store.missing(digest)]).toEqual([true, []]);
    const folder = join(root, 'blobs/sha256');
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const bytes = await store.readBlob(`sha256:${name}` as typeof digest, 4096);
      await rm(path);
      expect([name, await hasWholeImage(root, digest), (await store.missing(digest)).length > 0]).toEqual([name, false, true]);
      await writeFile(path, bytes);
      await truncate(path, bytes.length - 1);
      expect([name, await hasWholeImage(root, digest), (await store.missing(digest)).length > 0]).toEqual([name, false, true]);
      await writeFile(path, bytes);
    }
    expect(await hasWholeImage(root, digest)).toBe(true);
  });

  it('is found altered if every byte is asked for, also when it was whole before and kept its size', async () => {
    const { digest } = await image();
    expect(await hasWholeImage(root, digest, { hashed: true })).toBe(true);
    const folder = join(root, 'blobs/sha256');
    const layer = (await Promise.all((await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).size] as const))).find(
      ([, size]) => size === 1024,
    );
    await writeFile(join(folder, layer![0]), Buffer.alloc(1024, 1));
    expect(await hasWholeImage(root, digest, { hashed: true })).toBe(false);
  });

  it('is not there if it is named by no digest', async () => {
    expect(await Promise.all(['', '../../etc/passwd', 'sha256:x'].map((digest) => hasWholeImage(root, digest)))).toEqual([false, false, false]);
  });
});
