import { readFile, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { errorOf, imageOf, layerOf, platformImage, putImage, temporaryFolder, type ImageLayer } from '@pinlane/testing';
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, openStore, sha256, unpackImage, type Store } from '../../src/index.ts';
import { build } from '../support/building.ts';
import { rawTar } from '../support/raw-tar.ts';

const TAR = rawTar([
  { form: 'ustar', name: 'a', flag: '0', content: Buffer.from('some text '.repeat(200)) },
  { form: 'pax', name: 'b', flag: '0', content: Buffer.from('more text '.repeat(200)) },
]);
const PACK = { [OCI_LAYER]: (tar: Buffer) => tar, [OCI_LAYER_GZIP]: (tar: Buffer) => gzipSync(tar), [OCI_LAYER_ZSTD]: (tar: Buffer) => zstdCompressSync(tar) };

const packed = (mediaType: keyof typeof PACK): ImageLayer => {
  const bytes = PACK[mediaType](TAR);
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, bytes, diffId: sha256(TAR) };
};

/** What is done to the bytes of a blob. */
const HARM: readonly (readonly [string, (bytes: Buffer) => Uint8Array])[] = [
  ['its first byte flipped', (bytes) => flip(bytes, 0)],
  ['a name flipped', (bytes) => flip(bytes, 3)],
  ['the size of an entry flipped', (bytes) => flip(bytes, 130)],
  ['a byte of its middle flipped', (bytes) => flip(bytes, bytes.length >> 1)],
  ['its last byte flipped', (bytes) => flip(bytes, bytes.length - 1)],
  ['its end cut off', (bytes) => bytes.subarray(0, -7)],
  ['more at its end', (bytes) => Buffer.concat([bytes, Buffer.from('more')])],
  ['nothing in it', () => new Uint8Array()],
  ['other bytes of the same length', (bytes) => Buffer.alloc(bytes.length, 'x')],
];
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

describe.each(Object.keys(PACK) as (keyof typeof PACK)[])('A layer of the store of the type %s', (mediaType) => {
  let store: Store;
  let digest: ReturnType<typeof sha256>;
  const layer = packed(mediaType);
  beforeAll(async () => {
    store = openStore(temporaryFolder('oci'));
    const image = imageOf([platformImage('amd64', [layer, layerOf(rawTar([{ form: 'ustar', name: 'other', flag: '0' }]))])]);
    await putImage(store, image);
    digest = image.index.descriptor.digest;
  });

  it.each(HARM)('with %s is called altered, by listing and by unpacking', async (_, harm) => {
    const path = store.blobPath(layer.descriptor.digest);
    const whole = await readFile(path);
    await writeFile(path, harm(whole));
    try {
      const folder = temporaryFolder('oci');
      const unpacked = await errorOf(() => unpackImage(store, digest, { platform: 'linux/amd64', cacheDir: join(folder, 'cache') }));
      const context = await mkdtemp(join(folder, 'context-'));
      await writeFile(join(context, 'Dockerfile'), 'FROM base\nUSER 1\n');
      const other = openStore(join(folder, 'store'));
      const built = await errorOf(() =>
        build(context, Object.assign(other, { hasBlob: store.hasBlob, openBlob: store.openBlob, readManifest: store.readManifest, readBlob: store.readBlob }), {
          platforms: ['linux/amd64'],
          bases: { base: digest },
        }),
      );
      for (const { code, message } of [unpacked, built])
        expect([code, message]).toEqual(['ERR_STORE_CORRUPT', expect.stringContaining(layer.descriptor.digest)]);
    } finally {
      await writeFile(path, whole);
    }
  });
});
