import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { chunksOf, codeOf, jsonBytes, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import {
  assembleImage,
  copyImage,
  describe as describeBytes,
  listedHere,
  OCI_EMPTY,
  OCI_MANIFEST,
  openStore,
  parseDockerfile,
  publishFileLists,
  readBuildContext,
  readFileLists,
  verifyImage,
  type FileLists,
  type RegistryRepository,
  type Store,
} from '../../src/index.ts';
import { putBase, writeFiles, type TarItem } from '../support/building.ts';
import { blobRequests, opened, reachingStore, repositoryIn } from '../support/left-base.ts';

let folder: string;
let registry: TestRegistry;
let base: RegistryRepository;
let app: RegistryRepository;
let digest: Digest;
let local: Store;
beforeEach(async () => {
  folder = temporaryFolder('oci');
  registry = await startRegistry({ separate: true });
  [base, app] = [opened(repositoryIn(registry, 'team/base')), opened(repositoryIn(registry, 'team/app'))];
  local = openStore(join(folder, 'local'));
  digest = await putBase(local, [SYSTEM, TOOLS], {}, ['amd64', 'arm64']);
  await copyImage(local, base, digest);
});
afterEach(() => registry.close());

const SYSTEM: readonly TarItem[] = [
  { name: 'etc/passwd', content: 'root:x:0:0::/:\napp:x:1000:1001::/:\n' },
  { name: 'var/app', type: 'directory', mode: 0o700, uid: 7, gid: 7 },
  { name: 'srv', type: 'symlink', linkname: 'var/app' },
];
const TOOLS: readonly TarItem[] = [
  { name: 'opt/tool', content: 'a tool' },
  { name: 'opt/again', type: 'link', linkname: 'opt/tool' },
  { name: 'etc/.wh.shadow', content: '' },
];
const ORDINARY = 'FROM base\nWORKDIR /app\nCOPY . ./\nCOPY a /srv/a\nUSER 1000:1000';

const buildOn = async (
  dockerfile: string,
  store: Store,
  { from = base, lists = app, fresh = false }: { from?: RegistryRepository | Store; lists?: RegistryRepository; fresh?: boolean } = {},
) => {
  const context = join(folder, 'context');
  await writeFiles(context, { Dockerfile: dockerfile, a: 'a', 'sub/b': 'b' });
  const read = await readBuildContext(context);
  const lines: string[] = [];
  const image = await assembleImage({
    context: read,
    dockerfile: parseDockerfile(read.dockerfile.text, 'Dockerfile'),
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArgs: {},
    labels: {},
    resolveBase: async () => ({ source: from, digest }),
    store,
    fileLists: (manifest) => readFileLists(lists, manifest),
    fresh,
    progress: (line) => void lines.push(line),
    signal: new AbortController().signal,
  });
  return { ...image, lines };
};

/** Builds where the base is, and publishes what was learned there. */
const publish = async () => {
  const { index } = await buildOn(ORDINARY, local, { from: local });
  const { platforms } = await verifyImage(local, digest);
  for (const platform of platforms) await publishFileLists(app, platform.descriptor.digest, (await listedHere(local, platform))!);
  registry.requests.length = 0;
  return { index, platforms, layers: platforms[0]!.manifest.layers.map((layer) => layer.digest) };
};
const anew = (): Store => reachingStore(join(folder, `new-${Math.random()}`)).store;
const fetchedOf = (layers: readonly Digest[]): number[] => layers.flatMap((layer, at) => (blobRequests(registry, 'GET').includes(layer) ? [at] : []));

describe('A list of what is in the layers of a base', () => {
  it('spares the layers: nothing of them is fetched, and the image is the same', async () => {
    const { index, layers } = await publish();
    const store = anew();
    expect((await buildOn(ORDINARY, store)).index).toEqual(index);
    expect(fetchedOf(layers)).toEqual([]);
    await verifyImage(store, index.digest);
  });

  it.each([
    ['COPY --from', 'FROM base\nCOPY --from=base /opt/tool /x/tool', [1]],
    ['COPY --chown by name', 'FROM base\nCOPY --chown=app a /x/', [0]],
    ['USER by name and WORKDIR', 'FROM base\nUSER app\nWORKDIR /home/app', [0]],
    ['WORKDIR through a link', 'FROM base\nWORKDIR /srv/deep', []],
  ])('leaves the one layer to be fetched that %s reads', async (_, dockerfile, fetched) => {
    const { layers } = await publish();
    const { index } = await buildOn(dockerfile, anew());
    expect(fetchedOf(layers)).toEqual(fetched);
    expect((await buildOn(dockerfile, openStore(join(folder, 'again')), { from: local })).index).toEqual(index);
  });

  it('is put once, by whoever has read the layers, and holds no content', async () => {
    const { platforms } = await publish();
    const [platform] = platforms;
    expect(await publishFileLists(app, platform!.descriptor.digest, (await listedHere(local, platform!))!)).toBe(false);
    const store = anew();
    await buildOn(ORDINARY, store);
    expect(await listedHere(store, platform!)).toBeUndefined();
    expect(JSON.stringify([...(await readFileLists(app, platform!.descriptor.digest))!])).not.toContain('root:x');
  });

  it('is not asked for by a build that is to be made anew, or if the layers are here', async () => {
    const { index, layers } = await publish();
    expect((await buildOn(ORDINARY, anew(), { fresh: true })).index).toEqual(index);
    expect(fetchedOf(layers)).toEqual([0, 1]);
    expect((await buildOn(ORDINARY, openStore(join(folder, 'again')), { from: local })).index).toEqual(index);
    expect(registry.requests.filter(({ url }) => url.includes('/team/app/'))).toEqual([]);
  });

  it('is not there', async () => {
    const { index } = await buildOn(ORDINARY, anew());
    expect((await buildOn(ORDINARY, openStore(join(folder, 'again')), { from: local })).index).toEqual(index);
  });
});

type Listed = { kind: string; layers: { digest: string; diffId: string; version: number; entries: Record<string, unknown>[] }[] };

/** Puts other bytes in the place of the list of a manifest. */
const replaceList = async (manifest: Digest, change: (list: Listed, gzip: Uint8Array) => Uint8Array | undefined): Promise<void> => {
  const tag = `files-${manifest.slice(7, 19)}`;
  const old = JSON.parse(Buffer.from((await app.readTagged(tag)).bytes).toString()) as {
    layers: { digest: string; mediaType: string }[];
    artifactType: string;
  };
  const gzip = registry.blobs.get(old.layers[0]!.digest)!;
  const list = JSON.parse(gunzipSync(gzip).toString()) as Listed;
  const bytes = change(list, gzip) ?? gzipSync(JSON.stringify(list));
  const empty = jsonBytes({});
  const layer = describeBytes(old.layers[0]!.mediaType, bytes);
  await app.putBlob(layer, () => chunksOf(bytes));
  await app.putBlob(describeBytes(OCI_EMPTY, empty), () => chunksOf(empty));
  const document = jsonBytes({ ...old, config: describeBytes(OCI_EMPTY, empty), layers: [layer] });
  await app.tag(tag, describeBytes(OCI_MANIFEST, document), document);
};
const entryOf = ({ layers }: Listed, path: string): Record<string, unknown> =>
  layers.flatMap(({ entries }) => entries).find((entry) => entry['path'] === path)!;
const set = (path: string, values: Record<string, unknown>) => (list: Listed) => void Object.assign(entryOf(list, path), values);

describe('A list that is none is not believed, and the layers are read, if it', () => {
  const hostile: readonly (readonly [string, (list: Listed, gzip: Uint8Array) => Uint8Array | undefined | void])[] = [
    ['is no gzip', () => Buffer.from('list')],
    ['is empty', () => Buffer.alloc(0)],
    ['is cut off', (_, gzip) => gzip.subarray(0, gzip.length - 10)],
    ['is a bomb', () => gzipSync(Buffer.alloc(200 * 2 ** 20))],
    ['is no JSON', () => gzipSync('[')],
    ['is of another kind', (list) => void (list.kind = 'Listing')],
    ['is of another version', (list) => void (list.layers[0]!.version = 1)],
    ['lacks a layer', (list) => void list.layers.pop()],
    ['is of another layer', (list) => void (list.layers[0]!.digest = list.layers[0]!.diffId)],
    ['is of a layer that unpacks to something else', (list) => void (list.layers[0]!.diffId = list.layers[1]!.diffId)],
    ['has a key that is not known', set('srv', { more: 1 })],
    ['brings the text of a file', set('etc/passwd', { text: 'app:x:0:0::/:' })],
    ['has a path that leaves the root', set('srv', { path: '../srv' })],
    ['has an absolute path', set('srv', { path: '/srv' })],
    ['has an empty path', set('srv', { path: '' })],
    ['has a path with a NUL', set('srv', { path: 's\0v' })],
    ['has a path below a mark', set('srv', { path: '.wh.x/y' })],
    ['has a path of __proto__ that is a list', set('srv', { path: ['__proto__'] })],
    ['has a mode that is none', set('srv', { mode: 0o10000 })],
    ['has an owner that is none', set('srv', { uid: -1 })],
    ['has a link to nothing', set('srv', { target: '' })],
    ['has a type that is none', set('srv', { type: 'door' })],
    ['has a hard link to what is not there', set('opt/again', { target: 'opt/nothing' })],
    ['has a file below a file', set('opt/again', { path: 'opt/tool/again', target: 'srv' })],
  ];
  it.each(hostile)('%s', async (_, change) => {
    const { index, layers, platforms } = await publish();
    for (const { descriptor } of platforms) await replaceList(descriptor.digest, (list, gzip) => change(list, gzip) ?? undefined);
    registry.requests.length = 0;
    const store = anew();
    expect((await buildOn(ORDINARY, store)).index).toEqual(index);
    expect(fetchedOf(layers)).toEqual([0, 1]);
  });
});

describe('A list that lies of a file', () => {
  it.each([
    ['has other bytes', set('opt/tool', { sha256: `sha256:${'0'.repeat(64)}` })],
    ['is larger', set('opt/tool', { size: 7 })],
    ['is another entry', set('opt/tool', { number: 2 })],
    ['is no entry', set('opt/tool', { number: 99 })],
  ])('and says that it %s, is found out when the file is taken', async (_, change) => {
    const { platforms } = await publish();
    for (const { descriptor } of platforms) await replaceList(descriptor.digest, (list) => void change(list) as undefined);
    const store = anew();
    expect(await codeOf(() => buildOn('FROM base\nCOPY --from=base /opt/tool /x/tool', store))).toBe('ERR_DIGEST_MISMATCH');
    expect((await buildOn('FROM base\nCOPY --from=base /opt/tool /x/tool', store, { fresh: true })).builtLayers).toBeGreaterThan(0);
  });
});

describe('Lists', () => {
  it('are of names of any bytes that a layer may have', async () => {
    const store = openStore(join(folder, 'odd'));
    const names = ['ü/ß', 'sp ace', '"quote"', 'back\\slash', 'line\nbreak', '__proto__/constructor'];
    const odd = await putBase(store, [names.map((name) => ({ name, content: name }))], {}, ['amd64', 'arm64']);
    digest = odd;
    await copyImage(store, base, odd);
    const { index } = await buildOn(ORDINARY, store, { from: store });
    const { platforms } = await verifyImage(store, odd);
    const lists: FileLists = (await listedHere(store, platforms[0]!))!;
    await publishFileLists(app, platforms[0]!.descriptor.digest, lists);
    expect([...(await readFileLists(app, platforms[0]!.descriptor.digest))!]).toEqual([...lists]);
    registry.requests.length = 0;
    expect((await buildOn(ORDINARY, anew())).index).toEqual(index);
  });
});
