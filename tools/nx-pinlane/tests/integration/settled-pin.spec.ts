import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { composeIndex, describe as descriptorOf, openStore, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { parseDigest } from '@pinlane/contracts';
import { settledPin, type RecordedBuild } from '../../src/nx/cache-keys/settled-pin.ts';

let root: string;
let store: string;
beforeEach(async () => {
  root = temporaryFolder('settled');
  store = join(root, '.pinlane/store');
  await mkdir(join(root, 'echo'));
});

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const storedImage = async (contents: readonly string[]) => {
  const opened = openStore(store);
  const layers = await Promise.all(contents.map(async (content) => ({ mediaType: OCI_LAYER, ...(await opened.writeBlob(new TextEncoder().encode(content))) })));
  const configBytes = bytesOf({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } });
  await opened.writeBlob(configBytes);
  const manifestBytes = bytesOf({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptorOf(OCI_CONFIG, configBytes), layers });
  const manifest = { ...descriptorOf(OCI_MANIFEST, manifestBytes), platform: { os: 'linux', architecture: 'amd64' } };
  await opened.putManifest(manifest, manifestBytes);
  const index = composeIndex([manifest]);
  await opened.putManifest(index.descriptor, index.bytes);
  return { index: index.descriptor.digest, manifest: manifest.digest, layers: layers.map(({ digest }) => opened.blobPath(digest)) };
};

const FINGERPRINT = `sha256:${'f'.repeat(64)}`;

const pinned = async () => {
  const image = await storedImage(['base', 'own layer']);
  const repository = 'store.localhost/acme-echo';
  const record: RecordedBuild = {
    repository,
    index: image.index,
    pushed: false,
    fingerprint: parseDigest(FINGERPRINT),
    platforms: { amd64: image.manifest },
  };
  const text = `ref: acme/echo@1
image:
  platforms:
    amd64: ${repository}@${image.manifest}
  index: ${repository}@${image.index}
  source: { fingerprint: ${FINGERPRINT}, revision: 0000000 }
`;
  const specFile = join(root, 'echo/registry.yaml');
  await writeFile(specFile, text);
  const settled = (changed: Partial<RecordedBuild> = {}) => settledPin(root, 'echo', store, { ...record, ...changed });
  return { record, image, text, specFile, settled };
};

describe('a pin that has nothing to do', () => {
  it('is known by a text of its own, and by another one after any edit of registry.yaml', async () => {
    const { settled, specFile, text } = await pinned();
    const known = await settled();
    expect(known).toMatch(/^[a-f0-9]{64}$/);
    expect(await settled()).toBe(known);
    await writeFile(specFile, `${text}# a comment\n`);
    expect(await settled()).not.toBe(known);
  });

  it('is known where the same image is pinned by its published name', async () => {
    const { settled, specFile, text } = await pinned();
    await writeFile(specFile, text.replaceAll('store.localhost', 'ghcr.io/acme'));
    expect(await settled()).toMatch(/^[a-f0-9]{64}$/);
    await writeFile(specFile, text.replaceAll('store.localhost', 'ghcr.io/acme').replace(/index: (.*)sha256:./, 'index: $1sha256:x'));
    expect(await settled()).toBeNull();
  });

  it('is not known where registry.yaml pins anything else than what was built', async () => {
    const { settled, record } = await pinned();
    const other = parseDigest(`sha256:${'0'.repeat(64)}`);
    expect(await settled({ fingerprint: other })).toBeNull();
    expect(await settled({ index: other })).toBeNull();
    expect(await settled({ platforms: { amd64: other } })).toBeNull();
    expect(await settled({ platforms: { ...record.platforms, arm64: other } })).toBeNull();
    expect(await settled({ platforms: {} })).toBeNull();
    expect(await settled({ repository: 'store.localhost/other' })).toBeNull();
    expect(await settled({ pushed: true })).toBeNull();
  });

  it('is not known where registry.yaml is gone, broken or without pins', async () => {
    const { settled, specFile } = await pinned();
    for (const text of ['', 'ref: [', 'ref: acme/echo@1\n', 'image: text\n', '- a\n']) {
      await writeFile(specFile, text);
      expect([text, await settled()]).toEqual([text, null]);
    }
    await rm(specFile);
    expect(await settled()).toBeNull();
  });

  it.each([
    ['of its own', 1],
    ['of its base', 0],
  ])('is not known where a layer %s was altered and kept its size, also after it was known', async (_, at) => {
    const { settled, image } = await pinned();
    expect(await settled()).not.toBeNull();
    const path = image.layers[at] as string;
    await writeFile(path, (await readFile(path, 'utf8')).toUpperCase());
    expect(await settled()).toBeNull();
  });
});
