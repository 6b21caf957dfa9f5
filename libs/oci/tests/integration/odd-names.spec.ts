import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { codeOf, imageOf, layerOf, platformImage, putImage, temporaryFolder } from '@pinlane/testing';
import { openStore, readImage, sha256 } from '../../src/index.ts';
import { decodeName } from '../../src/layer/names.ts';
import { build } from '../support/building.ts';
import { unpackedTree, type Outcome } from '../support/layer-trees.ts';
import { rawTar, type RawEntry } from '../support/raw-tar.ts';

const odd = (...bytes: readonly number[]): string => decodeName(Buffer.from(bytes));
/** Names that all become one if they are taken for UTF-8. */
const NAMES = [odd(0xff), odd(0xfe), odd(0xef, 0xbf, 0xbd), odd(0x63, 0xe9), odd(0xed, 0xb2, 0xff)];

const entries = (form: RawEntry['form']): RawEntry[] => [
  { form, name: 'files/', flag: '5', mode: 0o755 },
  ...NAMES.map((name, at): RawEntry => ({ form, name: `files/${name}`, flag: '0', content: Buffer.from(String(at)) })),
  { form, name: `files/${odd(0xc0)}-link`, flag: '2', linkName: NAMES[0]! },
  { form, name: `files/${odd(0xc1)}-hard`, flag: '1', linkName: `files/${NAMES[1]}` },
];

/** What is at `/x` of what a Dockerfile makes, and of what it stands on. */
const built = async (form: RawEntry['form'], line: string): Promise<Outcome> => {
  const folder = temporaryFolder('oci');
  const store = openStore(join(folder, 'store'));
  const context = await mkdtemp(join(folder, 'context-'));
  await writeFile(join(context, 'Dockerfile'), `FROM scratch\n${line}\n`);
  await writeFile(join(context, 'it.tar'), rawTar(entries(form)));
  const base = imageOf([platformImage('amd64', [layerOf(rawTar(entries(form)), { gzip: true })])]);
  await putImage(store, base);
  const { index } = await build(context, store, { platforms: ['linux/amd64'], bases: { base: base.index.descriptor.digest } });
  const [platform] = (await readImage(store, index.digest)).platforms;
  const tars = await Promise.all(platform!.manifest.layers.map(async ({ digest }) => gunzipSync(await store.readBlob(digest, 1_000_000))));
  return unpackedTree(tars, folder);
};

const EXPECTED = {
  ...Object.fromEntries(NAMES.map((name, at) => [`x/files/${name}`, sha256(String(at))])),
  [`x/files/${odd(0xc0)}-link`]: `-> ${NAMES[0]}`,
  [`x/files/${odd(0xc1)}-hard`]: sha256('1'),
};

describe('Names that are no UTF-8', () => {
  it.each(['v7', 'ustar', 'gnu', 'pax'] as const)('are kept by their bytes by COPY --from and ADD of a tar of the form %s', async (form) => {
    for (const line of ['COPY --from=base /files /x/files', ...(form === 'v7' ? [] : ['ADD it.tar /x/'])])
      expect(await built(form, line)).toMatchObject(EXPECTED);
  });

  it('are kept by their bytes by unpacking, also where the base is shared', async () => {
    const folder = temporaryFolder('oci');
    // As large as a layer must be to count as a base.
    const large: RawEntry = { form: 'ustar', name: 'large', flag: '0', content: Buffer.alloc(5 * 2 ** 20) };
    const found = await unpackedTree([rawTar([...entries('gnu'), large]), rawTar([{ form: 'ustar', name: `files/.wh.${NAMES[0]}`, flag: '0' }])], folder);
    expect(found).not.toHaveProperty([`files/${NAMES[0]}`]);
    expect(found).toMatchObject(Object.fromEntries(NAMES.slice(1).map((name, at) => [`files/${name}`, sha256(String(at + 1))])));
  });
});

describe('A hard link', () => {
  const file: RawEntry = { form: 'ustar', name: 'd/f', flag: '0', content: Buffer.from('x') };
  const link = (name: string, linkName: string): RawEntry => ({ form: 'ustar', name, flag: '1', linkName });

  it.each([
    ['to a folder', [file, link('l', 'd')]],
    ['to itself, a folder', [file, link('d', 'd/')]],
    ['to the root', [file, link('l', '/')]],
    ['to what is in the folder that it would replace', [file, link('d', 'd/f')]],
    ['to the same over a link', [file, { form: 'ustar', name: 's', flag: '2', linkName: 'd' }, link('d', 's/f')]],
    ['to a folder over an absolute name', [file, link('l', '/d')]],
  ] as [string, RawEntry[]][])('%s is refused by name, and removes nothing', async (_, list) => {
    const folder = temporaryFolder('oci');
    expect(await unpackedTree([rawTar(list)], folder)).toBe('ERR_LAYER_UNSAFE');
    const context = await mkdtemp(join(folder, 'context-'));
    await writeFile(join(context, 'Dockerfile'), 'FROM base\nCOPY it.tar /\n');
    await writeFile(join(context, 'it.tar'), rawTar(list));
    const store = openStore(join(folder, 'store'));
    const base = imageOf([platformImage('amd64', [layerOf(rawTar(list))])]);
    await putImage(store, base);
    const options = { platforms: ['linux/amd64'] as const, bases: { base: base.index.descriptor.digest } };
    expect(await codeOf(() => build(context, store, options))).toBe('ERR_LAYER_UNSAFE');
  });
});

describe('A base with what a sandbox does not put in place', () => {
  const built = async (flag: string) => {
    const folder = temporaryFolder('oci');
    const context = await mkdtemp(join(folder, 'context-'));
    await writeFile(join(context, 'Dockerfile'), 'FROM base\nUSER 1\n');
    const store = openStore(join(folder, 'store'));
    const tar = rawTar([{ form: 'ustar', name: 'dev/it', flag }]);
    const base = imageOf([platformImage('amd64', [layerOf(tar)])]);
    await putImage(store, base);
    const options = { platforms: ['linux/amd64'] as const, bases: { base: base.index.descriptor.digest } };
    return { build: () => build(context, store, options), unpack: () => unpackedTree([tar], folder) };
  };

  it.each([
    ['a character device', '3'],
    ['a block device', '4'],
    ['a pipe', '6'],
  ])('is built upon and unpacked: an empty file stands for %s', async (_, flag) => {
    const { build: run, unpack } = await built(flag);
    expect((await run()).builtLayers).toBe(0);
    expect(await unpack()).toMatchObject({ 'dev/it': sha256('') });
  });
});
