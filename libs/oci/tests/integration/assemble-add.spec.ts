import { describe, expect, it } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { readImage } from '../../src/index.ts';
import { build, buildFiles, packTar, type Files, type TarItem } from '../support/building.ts';
import { verifyWhole } from '../support/images.ts';

const added = async (files: Files, lines = 'ADD it.tar /x/') => {
  const { layers } = await buildFiles(temporaryFolder('oci'), `FROM scratch\n${lines}\n`, files);
  return layers.map((layer) => layer.map(({ name, type, content, linkname }) => `${name} ${type} ${linkname ?? content}`));
};
const refused = async (content: Uint8Array) => (await problemsOf(() => added({ 'it.tar': content }))).map(({ code, line }) => [code, line]);

/** A megabyte of zeroes after a header that announces it, many times over. */
const bomb = async (): Promise<Buffer> => gzipSync(await packTar([{ name: 'zeroes', content: Buffer.alloc(160 * 2 ** 20) }]));

describe('ADD of an archive', () => {
  it('unpacks it, hard links as hard links of each other, and leaves nothing behind in the store', async () => {
    const root = temporaryFolder('oci');
    const content = await packTar([
      { name: 'b', content: 'text' },
      { name: 'a', type: 'link', linkname: 'b' },
      { name: 'c', type: 'symlink', linkname: '../../../etc' },
    ]);
    const { layers, store } = await buildFiles(root, 'FROM scratch\nADD it.tgz /x\n', { 'it.tgz': gzipSync(content) });
    expect(layers[0]!.map(({ name, type, linkname }) => [name, type, linkname])).toEqual([
      ['x/', 'directory', null],
      ['x/a', 'file', null],
      ['x/b', 'link', 'x/a'],
      ['x/c', 'symlink', '../../../etc'],
    ]);
    expect((await readdir(join(store.root, '.pinlane-layers'))).filter((name) => name.startsWith('work-'))).toEqual([]);
  });

  it('reads all members of gzip and all frames of zstd, wherever there are some to be skipped', async () => {
    const tar = await packTar([
      { name: 'first', content: '1' },
      { name: 'last', content: '2' },
    ]);
    const [head, tail] = [tar.subarray(0, 1024), tar.subarray(1024)];
    const skipped = Buffer.from('5a2a4d1803000000616263', 'hex');
    const archives = {
      'a.tar.gz': Buffer.concat([gzipSync(head), gzipSync(''), gzipSync(tail), Buffer.alloc(512)]),
      'b.tar.zst': Buffer.concat([zstdCompressSync(head), skipped, zstdCompressSync(tail), skipped]),
      'c.tar.zst': Buffer.concat([skipped, skipped, zstdCompressSync(head), zstdCompressSync(tail)]),
    };
    for (const [name, bytes] of Object.entries(archives))
      expect(await added({ [name]: bytes }, `ADD ${name} /x/`)).toEqual([['x/ directory ', 'x/first file 1', 'x/last file 2']]);
    for (const spoilt of [archives['b.tar.zst'].subarray(0, -1), Buffer.concat([archives['c.tar.zst'], Buffer.from('more')])])
      expect(await problemsOf(() => added({ 'it.tar.zst': spoilt }, 'ADD it.tar.zst /x/'))).toMatchObject([{ code: 'ERR_LAYER_UNSAFE' }]);
  });

  it('takes the last of several entries with one name, and a file in place of a folder', async () => {
    const content = await packTar([
      { name: 'a', content: 'first' },
      { name: 'a', content: 'second' },
      { name: 'd/in', content: 'gone' },
      { name: 'd', content: 'a file now' },
    ]);
    expect(await added({ 'it.tar': content })).toEqual([['x/ directory ', 'x/a file second', 'x/d file a file now']]);
  });

  it('follows no link out of the image', async () => {
    const items: TarItem[] = [
      { name: 'out', type: 'symlink', linkname: '../../../../../tmp' },
      { name: 'out/file', content: 'inside' },
    ];
    expect(await added({ 'it.tar': await packTar(items) })).toEqual([
      ['tmp/ directory ', 'tmp/file file inside', 'x/ directory ', 'x/out symlink ../../../../../tmp'],
    ]);
  });

  it.each<[string, TarItem[]]>([
    ['a name that leaves it', [{ name: '../evil', content: 'x' }]],
    ['a name that leaves it later', [{ name: 'a/../../evil', content: 'x' }]],
    ['a device', [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }]],
    ['a pipe', [{ name: 'pipe', type: 'fifo' }]],
    ['a link to nothing before it', [{ name: 'a', type: 'link', linkname: '/etc/shadow' }]],
    ['a link that leaves it', [{ name: 'a', type: 'link', linkname: '../../etc/shadow' }]],
    ['a whiteout', [{ name: 'etc/.wh.passwd', content: '' }]],
  ])('refuses %s, with its line', async (_, items) => {
    expect(await refused(await packTar(items))).toEqual([['ERR_LAYER_UNSAFE', 2]]);
  });

  it('refuses one that is cut off, and one that is damaged', async () => {
    const content = await packTar([{ name: 'a', content: Buffer.alloc(100_000, 'x') }]);
    expect(await refused(content.subarray(0, 50_000))).toEqual([['ERR_LAYER_UNSAFE', 2]]);
    const packed = gzipSync(content);
    expect(await refused(Buffer.concat([packed.subarray(0, packed.length - 8), Buffer.alloc(8, 1)]))).toEqual([['ERR_LAYER_UNSAFE', 2]]);
    const short = gzipSync(await packTar([{ name: 'a', content: 'short' }]));
    expect(await refused(Buffer.concat([short.subarray(0, short.length - 8), Buffer.alloc(8, 1)]))).toEqual([['ERR_LAYER_UNSAFE', 2]]);
  });

  it('refuses a bomb', async () => {
    expect(await refused(await bomb())).toEqual([['ERR_LAYER_UNSAFE', 2]]);
  });
});

describe('a store that was altered behind the assembler’s back', () => {
  it.each(['config', 'layer'])('is found out and mended by the next build: a %s of the same size', async (what) => {
    const root = temporaryFolder('oci');
    const { store, context, image } = await buildFiles(root, 'FROM scratch\nCOPY a.txt /x/\n', { 'a.txt': 'a' });
    const { platforms } = await readImage(store, image.index.digest, { platforms: ['linux/amd64'] });
    const { config, layers } = platforms[0]!.manifest;
    const { digest, size } = what === 'config' ? config : layers[0]!;
    await writeFile(store.blobPath(digest), Buffer.alloc(size, 'x'));
    expect(await store.missing(image.index.digest)).toEqual([digest]);
    expect((await build(context, store)).index).toEqual(image.index);
    await verifyWhole(store, image.index.digest);
  });
});

describe('a here-document', () => {
  it('becomes a file, with variables unless its name is quoted', async () => {
    const lines = 'ENV A=1\nCOPY <<EOF <<"RAW" /x/\n$A "${A}" \\$A\nEOF\n$A\nRAW\nCOPY <<-EOF /y\n\ttab\nEOF';
    expect(await added({}, lines)).toEqual([['x/ directory ', 'x/EOF file 1 "1" $A\n', 'x/RAW file $A\n'], ['y file tab\n']]);
  });
});
