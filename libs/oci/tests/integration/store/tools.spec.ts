import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeImage, putImage, requirement, temporaryFolder } from '@pinlane/testing';
import { openStore, sha256 } from '../../../src/index.ts';
import { verifyWhole } from '../../support/images.ts';
import { lacks, run } from '../../support/tools.ts';

const named = async () => {
  const store = openStore(join(temporaryFolder('oci'), 'store'));
  const image = makeImage({ layerSize: 10_000 });
  await putImage(store, image);
  await store.name('team/app', image.index.descriptor);
  await store.name('amd64', image.platforms[0]!.descriptor);
  return { store, image };
};

requirement(
  'skopeo',
  lacks('skopeo'),
  describe,
)('Skopeo', () => {
  it('reads an image from the store by its name, with the digest that the store gives', async () => {
    const { store, image } = await named();
    expect(sha256(run('skopeo', 'inspect', '--raw', `oci:${store.root}:team/app`))).toBe(image.index.descriptor.digest);
    expect(sha256(run('skopeo', 'inspect', '--raw', `oci:${store.root}:amd64`))).toBe(image.platforms[0]!.descriptor.digest);
  });

  it('copies an image from the store, all platforms, into a layout that the store reads', async () => {
    const { store, image } = await named();
    const copy = join(temporaryFolder('oci'), 'copy');
    run('skopeo', 'copy', '--quiet', '--all', '--preserve-digests', `oci:${store.root}:team/app`, `oci:${copy}:v1`);
    const { digest } = await openStore(copy).resolve('v1');
    expect(digest).toBe(image.index.descriptor.digest);
    await verifyWhole(openStore(copy), digest);
  });

  it('writes an image into the store, beside those that are there', async () => {
    const [one, other] = [await named(), await named()];
    run('skopeo', 'copy', '--quiet', '--all', '--preserve-digests', `oci:${other.store.root}:team/app`, `oci:${one.store.root}:from-skopeo`);
    expect([...(await one.store.names()).keys()].sort()).toEqual(['amd64', 'from-skopeo', 'team/app']);
    await verifyWhole(one.store, other.image.index.descriptor.digest);
  });
});

requirement(
  'umoci',
  lacks('umoci'),
  describe,
)('Umoci', () => {
  it('lists what the store names', async () => {
    const { store } = await named();
    expect(run('umoci', 'list', '--layout', store.root).trim().split('\n').sort()).toEqual(['amd64', 'team/app']);
  });
});
