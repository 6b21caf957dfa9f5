import { describe, expect, it } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { readImage } from '../../src/index.ts';
import { build, buildFiles, packTar, type Files, type TarItem } from '../support/building.ts';
import { verifyWhole } from '../support/images.ts';
import { rawTar } from '../support/raw-tar.ts';

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
    ['a link to nothing before it', [{ name: 'a', type: 'link', linkname: '/etc/shadow' }]],
    ['a link that leaves it', [{ name: 'a', type: 'link', linkname: '../../etc/shadow' }]],
    ['a whiteout', [{ name: 'etc/.wh.passwd', content: '' }]],
  ])('refuses %s, with its line', async (_, items) => {
    expect(await refused(await packTar(items))).toEqual([['ERR_LAYER_UNSAFE', 2]]);
  });

  it.each(['v7', 'ustar', 'gnu', 'pax'] as const)('knows a tar of any form, packed or not: %s', async (form) => {
    const tar = rawTar([
      { form, name: 'bin/', flag: form === 'v7' ? '\0' : '5', mode: 0o755 },
      { form, name: 'bin/a', flag: form === 'v7' ? '\0' : '0', content: Buffer.from('text') },
      { form, name: 'bin/b', flag: '1', linkName: 'bin/a' },
      { form, name: 'bin/c', flag: '2', linkName: 'a' },
    ]);
    const expected = [['x/ directory ', 'x/bin/ directory ', 'x/bin/a file text', 'x/bin/b link x/bin/a', 'x/bin/c symlink a']];
    for (const content of [tar, gzipSync(tar)]) expect(await added({ 'it.tar': content })).toEqual(expected);
  });

  it.each([
    ['text', Buffer.from('x'.repeat(2000))],
    ['nothing', Buffer.alloc(0)],
    ['zeroes', Buffer.alloc(10_240)],
    ['less than a header', rawTar([{ form: 'v7', name: 'a', flag: '0' }]).subarray(0, 511)],
    ['a header with another sum', Buffer.concat([rawTar([{ form: 'ustar', name: 'a', flag: '0' }]).fill('b', 0, 1)])],
    ['text that is packed', gzipSync('x'.repeat(2000))],
    ['what only looks packed', Buffer.from([0x1f, 0x8b, 0x08, 1, 2, 3, 4])],
  ])('takes %s as it is', async (_, content) => {
    expect(await added({ it: content }, 'ADD it /x/')).toEqual([['x/ directory ', expect.stringMatching(/^x\/it file /)]]);
  });

  it.each<[string, TarItem[], string[]]>([
    [
      'to a link, which stays a link',
      [
        { name: 'l', type: 'symlink', linkname: '/nowhere' },
        { name: 'h', type: 'link', linkname: 'l' },
      ],
      ['x/h symlink /nowhere', 'x/l symlink /nowhere'],
    ],
    [
      'through a link',
      [
        { name: 'd/f', content: 'text' },
        { name: 'l', type: 'symlink', linkname: 'd' },
        { name: 'h', type: 'link', linkname: 'l/f' },
      ],
      ['x/d/ directory ', 'x/d/f file text', 'x/h link x/d/f', 'x/l symlink d'],
    ],
    [
      'through a link, at a place behind a link',
      [
        { name: 'd/f', content: 'text' },
        { name: 'l', type: 'symlink', linkname: './d' },
        { name: 'l/h', type: 'link', linkname: 'l/f' },
      ],
      ['x/d/ directory ', 'x/d/f file text', 'x/d/h link x/d/f', 'x/l symlink ./d'],
    ],
    [
      'that is absolute, below where it is unpacked',
      [
        { name: 'f', content: 'text' },
        { name: 'h', type: 'link', linkname: '/f' },
      ],
      ['x/f file text', 'x/h link x/f'],
    ],
    [
      'to a pipe',
      [
        { name: 'p', type: 'fifo' },
        { name: 'q', type: 'link', linkname: 'p' },
      ],
      ['x/p fifo ', 'x/q fifo '],
    ],
  ])('unpacks a hard link %s', async (_, items, expected) => {
    expect(await added({ 'it.tar': await packTar(items) })).toEqual([['x/ directory ', ...expected]]);
  });

  it('unpacks a pipe with its mode and owner, and copies it from stage to stage', async () => {
    const tar = await packTar([{ name: 'run/pipe', type: 'fifo', mode: 0o622, uid: 7, gid: 8 }]);
    const { layers } = await buildFiles(temporaryFolder('oci'), 'FROM scratch AS a\nADD it.tar /\nFROM scratch\nCOPY --from=a / /\n', { 'it.tar': tar });
    expect(layers[0]!.map(({ name, type, mode, uid, gid }) => [name, type, mode, uid, gid])).toEqual([
      ['run/', 'directory', 0o755, 0, 0],
      ['run/pipe', 'fifo', 0o622, 7, 8],
    ]);
  });

  it('cleans a name before it looks where it leads', async () => {
    expect(
      await added({
        'it.tar': await packTar([
          { name: './a/../b', content: 'text' },
          { name: '/c', content: 'text' },
        ]),
      }),
    ).toEqual([['x/ directory ', 'x/b file text', 'x/c file text']]);
  });

  it('replaces folders by files and files by folders in the time of their number', async () => {
    const many = Array.from({ length: 1000 }, (_, at): TarItem[] => [
      { name: `f${at}`, content: '' },
      { name: 'd', type: 'directory' },
      { name: 'd/x', content: '' },
      { name: 'd', content: '' },
    ]);
    expect((await added({ 'it.tar': await packTar(many.flat()) }))[0]).toHaveLength(1002);
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
