import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe as suite, expect, it } from '@jest/globals';
import { extract } from 'tar-stream';
import { describe, imageArchive, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, platformOfImage, readImage, sha256, type ContentSource } from '../../src/index.ts';

const LAYER = Buffer.alloc(700, 1);
const CONFIG = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [sha256(LAYER), sha256(LAYER)] } }));
const LAYERS = [describe(OCI_LAYER, LAYER), describe(OCI_LAYER, LAYER)];
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, CONFIG), layers: LAYERS }));

const source: ContentSource = {
  readManifest: async () => ({ descriptor: describe(OCI_MANIFEST, MANIFEST), bytes: MANIFEST }),
  openBlob: async function* ({ digest }) {
    yield digest === sha256(CONFIG) ? CONFIG : LAYER;
  },
};
const read = async () => platformOfImage(await readImage(source, sha256(MANIFEST)), 'linux/amd64');

const filesOf = async (tar: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> => {
  const files = new Map<string, Buffer>();
  for await (const entry of Readable.from(tar).pipe(extract())) {
    expect(files.has(entry.header.name)).toBe(false);
    files.set(entry.header.name, await buffer(entry));
  }
  return files;
};

suite('an archive for docker load', () => {
  it('is an OCI layout of the very manifest, with each blob once and under its digest', async () => {
    const files = await filesOf(imageArchive(source, await read(), 'a.localhost/b:c'));
    const at = (bytes: Buffer): string => `blobs/${sha256(bytes).replace(':', '/')}`;
    expect([...files.keys()].sort()).toEqual(['index.json', 'manifest.json', 'oci-layout', at(CONFIG), at(LAYER), at(MANIFEST)].sort());
    for (const bytes of [CONFIG, LAYER, MANIFEST]) expect(files.get(at(bytes))).toEqual(bytes);
    const index = JSON.parse(String(files.get('index.json'))) as { manifests: unknown[] };
    expect(index.manifests).toEqual([
      { mediaType: OCI_MANIFEST, digest: sha256(MANIFEST), size: MANIFEST.length, annotations: { 'io.containerd.image.name': 'a.localhost/b:c' } },
    ]);
  });

  it('tells a Docker that reads no OCI layout the same, every layer as often as it is applied', async () => {
    const files = await filesOf(imageArchive(source, await read(), 'a.localhost/b:c'));
    const [only] = JSON.parse(String(files.get('manifest.json'))) as [{ Config: string; RepoTags: string[]; Layers: string[] }];
    expect(files.get(only.Config)).toEqual(CONFIG);
    expect(only.RepoTags).toEqual(['a.localhost/b:c']);
    expect(only.Layers.map((layer) => files.get(layer))).toEqual([LAYER, LAYER]);
  });

  it('is not made of a manifest that is not the one that was read', async () => {
    const image = await read();
    const lying: ContentSource = { ...source, readManifest: async () => ({ descriptor: image.descriptor, bytes: Buffer.from('{}') }) };
    await expect(buffer(Readable.from(imageArchive(lying, image, 'a.localhost/b:c')))).rejects.toThrow(/ERR_DIGEST_MISMATCH/);
  });
});
