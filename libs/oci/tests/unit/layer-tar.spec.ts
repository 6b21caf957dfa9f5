import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { chunksOf, problemsOf } from '@pinlane/testing';
import { gzipChunks, layerKey, readTar, sha256, tarChunks, type LayerEntry } from '../../src/index.ts';
import { packTar, unpackTar } from '../support/building.ts';
import { paxRecord, rawEntry, rawTar, seal } from '../support/raw-tar.ts';

const owned = { uid: 0, gid: 0 };
const file = (path: string, text: string, more: Partial<LayerEntry> = {}): LayerEntry =>
  ({
    ...owned,
    path,
    type: 'file',
    mode: 0o644,
    size: Buffer.byteLength(text),
    sha256: sha256(text),
    open: () => chunksOf(Buffer.from(text)),
    ...more,
  }) as LayerEntry;
const folder = (path: string, mode = 0o755): LayerEntry => ({ ...owned, path, type: 'directory', mode });

const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};
const tarOf = (entries: readonly LayerEntry[]) => collect(tarChunks(entries));

const SAMPLE = [
  folder('app'),
  file('app/main.js', 'console.log(1);\n'.repeat(10_000)),
  { ...owned, path: 'app/link', type: 'symlink', mode: 0o777, target: 'main.js' },
  { ...owned, path: 'app/same.js', type: 'hardlink', mode: 0o644, target: 'app/main.js' },
  file('app/ünï ☃.txt', 'not ASCII', { uid: 1000, gid: 1000 }),
  file(`app/${'long/'.repeat(60)}name`, 'a path of more than 255 characters'),
  file('app/run', '#!/bin/sh\n', { mode: 0o4755 }),
] as const satisfies readonly LayerEntry[];

describe('tarChunks', () => {
  it('writes what another tar library reads, sorted and without times', async () => {
    const read = await unpackTar(await tarOf([...SAMPLE].reverse()));
    expect(read.map(({ name, type, mode, uid, linkname, content, mtime }) => [name, type, mode, uid, linkname, content.length, mtime?.getTime()])).toEqual([
      ['app/', 'directory', 0o755, 0, null, 0, 0],
      ['app/link', 'symlink', 0o777, 0, 'main.js', 0, 0],
      [`app/${'long/'.repeat(60)}name`, 'file', 0o644, 0, null, 34, 0],
      ['app/main.js', 'file', 0o644, 0, null, 160_000, 0],
      ['app/run', 'file', 0o4755, 0, null, 10, 0],
      ['app/same.js', 'link', 0o644, 0, 'app/main.js', 0, 0],
      ['app/ünï ☃.txt', 'file', 0o644, 1000, null, 9, 0],
    ]);
  });

  it('gives the same bytes for ever: this digest is part of every image', async () => {
    expect(sha256(await tarOf(SAMPLE))).toBe('sha256:350d49c91eb13b5466d21bf170a155426d1b46f3f041095e165b62b2d27e0c61');
  });

  it('gives the same bytes in whatever pieces a file comes', async () => {
    const text = 'x'.repeat(300_000);
    const inPieces = (size: number) => tarOf([file('a', text, { open: () => chunksOf(Buffer.from(text), size) } as Partial<LayerEntry>)]);
    expect(sha256(await inPieces(7))).toBe(sha256(await inPieces(100_000)));
  });

  it('writes owners, sizes and links that do not fit into ustar', async () => {
    const read = await unpackTar(
      await tarOf([file('a', 'x', { uid: 4_000_000_000, gid: 3_000_000 }), { ...owned, path: 'b', type: 'symlink', mode: 0o777, target: 'ü/'.repeat(80) }]),
    );
    expect(read.map(({ pax, linkname }) => [pax, linkname])).toEqual([
      [{ uid: '4000000000', gid: '3000000' }, null],
      [{ linkpath: 'ü/'.repeat(80) }, 'ü/'.repeat(80)],
    ]);
  });

  it('refuses a file that is not what it was when it was hashed', async () => {
    const changed = (text: string) => problemsOf(() => tarOf([file('a', 'first', { open: () => chunksOf(Buffer.from(text)) } as Partial<LayerEntry>)]));
    for (const text of ['other', 'longer than it was', ''])
      expect(await changed(text)).toMatchObject([{ code: 'ERR_CONTEXT_INVALID', message: expect.stringContaining('"a" changed') }]);
  });
});

describe('gzipChunks', () => {
  it('gives the same bytes for ever: this digest is part of every image', async () => {
    const packed = await collect(gzipChunks(tarChunks(SAMPLE)));
    expect(sha256(packed)).toBe('sha256:e5cefb19391f2e582faf38c1bbd317a621252384523b15e45c896b744fb766fd');
    expect(sha256(gunzipSync(packed))).toBe(sha256(await tarOf(SAMPLE)));
  });

  it('names neither time nor machine in its header', async () => {
    expect([...(await collect(gzipChunks(chunksOf(Buffer.from('x'))))).subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  it('fails as its source fails', async () => {
    const failing = (async function* () {
      yield Buffer.from('x');
      throw new Error('the source broke');
    })();
    await expect(collect(gzipChunks(failing))).rejects.toThrow('the source broke');
  });

  it('keeps the failure of its source for whoever reads on later', async () => {
    const packed = gzipChunks(
      (async function* (): AsyncGenerator<Uint8Array> {
        throw new Error('it broke at once');
      })(),
    );
    await packed.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(packed.next()).rejects.toThrow('it broke at once');
  });

  it('is done with a chunk before it asks for the next, so that chunks may be lent', async () => {
    const lent = (async function* () {
      const shared = Buffer.alloc(100_000);
      for (let number = 1; number <= 30; number += 1) {
        yield shared.fill(number);
        shared.fill(0);
      }
    })();
    const own = Buffer.concat(Array.from({ length: 30 }, (_, number) => Buffer.alloc(100_000, number + 1)));
    expect(gunzipSync(await collect(gzipChunks(lent))).equals(own)).toBe(true);
  });

  it.each([1, 5])('lets go of its source when nobody reads on after %d chunks', async (most) => {
    let closed = (): void => undefined;
    const end = new Promise<void>((resolve) => (closed = resolve));
    const endless = (async function* () {
      try {
        for (;;) yield randomBytes(100_000);
      } finally {
        closed();
      }
    })();
    let taken = 0;
    for await (const _ of gzipChunks(endless)) if ((taken += 1) === most) break;
    await end;
  });
});

describe('layerKey', () => {
  const key = (change: object) => layerKey([{ ...file('a', 'x'), ...change } as LayerEntry]);

  it('is the same in any order', () => {
    expect(layerKey([...SAMPLE].reverse())).toBe(layerKey(SAMPLE));
  });

  it.each([{ path: 'b' }, { mode: 0o755 }, { uid: 1 }, { gid: 1 }, { size: 2 }, { sha256: sha256('y') }, { type: 'directory' }])(
    'changes with %j',
    (change) => {
      expect(key(change)).not.toBe(key({}));
    },
  );
});

describe('readTar', () => {
  const list = async (bytes: Uint8Array) => {
    const found: [string, string, number, string, string][] = [];
    for await (const { name, type, size, linkName, content } of readTar(chunksOf(bytes, 100)))
      found.push([name, type, size, linkName, (await collect(content)).toString()]);
    return found;
  };
  const refused = async (bytes: Uint8Array) => (await problemsOf(() => list(bytes))).map(({ code }) => code);
  const withHeader = async (change: (header: Buffer) => void) => {
    const bytes = await packTar([{ name: 'a', content: 'text' }]);
    change(bytes);
    return seal(bytes);
  };

  it('reads what another tar library writes', async () => {
    const long = `${'d/'.repeat(150)}name`;
    const tar = await packTar([
      { name: 'a', type: 'directory' },
      { name: 'a/b', content: 'text' },
      { name: 'a/c', type: 'symlink', linkname: '../x' },
      { name: 'a/d', type: 'link', linkname: 'a/b' },
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: long, content: 'ü' },
    ]);
    expect(await list(tar)).toEqual([
      ['a', 'directory', 0, '', ''],
      ['a/b', 'file', 4, '', 'text'],
      ['a/c', 'symlink', 0, '../x', ''],
      ['a/d', 'hardlink', 0, 'a/b', ''],
      ['null', 'special', 0, '', ''],
      [long, 'file', 2, '', 'ü'],
    ]);
  });

  it('skips content that nobody reads', async () => {
    const names: string[] = [];
    for await (const { name } of readTar(chunksOf(await packTar([{ name: 'a', content: 'x'.repeat(5000) }, { name: 'b' }])))) names.push(name);
    expect(names).toEqual(['a', 'b']);
  });

  it('refuses a tar that is cut off, with a wrong checksum, or with wrong numbers', async () => {
    const whole = await packTar([{ name: 'a', content: 'x'.repeat(2000) }]);
    expect(await refused(whole.subarray(0, 1000))).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await refused(whole.subarray(0, 300))).toEqual(['ERR_LAYER_UNSAFE']);
    const wrong = Buffer.from(whole);
    wrong[0] = 98;
    expect(await refused(wrong)).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await refused(await withHeader((header) => header.write('zzzzzzzzzzz', 124, 'latin1')))).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it('refuses headers that would fill the memory', async () => {
    const huge = await withHeader((header) => {
      header.write('x', 156, 'latin1');
      header.write('77777777777', 124, 'latin1');
    });
    expect(await refused(huge)).toEqual(['ERR_LAYER_UNSAFE']);
    const largest = await withHeader((header) => header.fill(0xff, 124, 136));
    expect(await refused(largest)).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it('refuses sparse files', async () => {
    expect(await refused(await packTar([{ name: 'a', content: 'x', pax: { 'GNU.sparse.major': '1' } }]))).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await refused(rawTar([{ form: 'gnu', name: 'a', flag: 'S' }]))).toEqual(['ERR_LAYER_UNSAFE']);
  });

  const owners = async (bytes: Uint8Array) => {
    const found: [string, number, number][] = [];
    for await (const { name, uid, gid } of readTar(chunksOf(bytes, 100))) found.push([name, uid, gid]);
    return found;
  };
  const text = Buffer.from('text');

  it('reads the form before ustar, in which the slash alone makes a folder', async () => {
    const tar = rawTar([
      { form: 'v7', name: 'a/', flag: '\0' },
      { form: 'v7', name: 'a/b', flag: '\0', content: text },
    ]);
    expect(await list(tar)).toEqual([
      ['a/', 'directory', 0, '', ''],
      ['a/b', 'file', 4, '', 'text'],
    ]);
  });

  it('takes owners below zero for the 32-bit numbers that a kernel has', async () => {
    expect(await owners(rawTar([{ form: 'gnu', name: 'a', flag: '0', uid: -2, gid: -1 }]))).toEqual([['a', 2 ** 32 - 2, 2 ** 32 - 1]]);
    expect(await refused(rawTar([{ form: 'gnu', name: 'a', flag: '0', uid: -(2 ** 31) - 1 }]))).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it('refuses a size below zero', async () => {
    expect(await refused(await withHeader((header) => header.fill(0xff, 124, 136)))).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it('reads numbers with zero bytes before them', async () => {
    const tar = rawTar([{ form: 'v7', name: 'a', flag: '0' }]);
    tar.write('\0\0\x0012 \0\0', 108, 'latin1');
    expect(await owners(seal(tar))).toEqual([['a', 0o12, 0]]);
  });

  it('lets global records count until they are taken back, and those of an entry for it alone', async () => {
    const tar = rawTar([
      { form: 'ustar', name: 'a', flag: '0', global: { uid: '7', gid: '8' } },
      { form: 'pax', name: 'b', flag: '0', uid: 9, gid: 9 },
      { form: 'ustar', name: 'c', flag: '0', uid: 5, gid: 5, global: { uid: '' } },
    ]);
    expect(await owners(tar)).toEqual([
      ['a', 7, 8],
      ['b', 9, 9],
      ['c', 5, 8],
    ]);
  });

  it('prefers what the header says to an empty record', async () => {
    const tar = rawTar([{ form: 'pax', name: 'a', flag: '0', uid: 4, records: { path: '', uid: '', size: '' }, content: text }]);
    expect(await list(tar)).toEqual([['see the pax header', 'file', 4, '', 'text']]);
  });

  it('expects no content behind links and folders, whatever size they announce', async () => {
    const tar = Buffer.concat([
      ...['1', '2', '5'].map((flag) => rawEntry({ form: 'ustar', name: flag, flag, linkName: 'x', content: text }).subarray(0, 512)),
      rawTar([{ form: 'ustar', name: 'last', flag: '0', content: text }]),
    ]);
    expect((await list(tar)).map(([name]) => name)).toEqual(['1', '2', '5', 'last']);
  });

  it('ends at a block of zeroes, and reads what follows to its end', async () => {
    let read = 0;
    const bytes = Buffer.concat([
      rawTar([{ form: 'ustar', name: 'a', flag: '0' }]),
      rawTar([{ form: 'ustar', name: 'hidden', flag: '0' }]),
      Buffer.alloc(77, 'x'),
    ]);
    const counted = (async function* () {
      for await (const chunk of chunksOf(bytes, 100)) {
        read += chunk.length;
        yield chunk;
      }
    })();
    const names: string[] = [];
    for await (const { name } of readTar(counted)) names.push(name);
    expect([names, read]).toEqual([['a'], bytes.length]);
  });

  it('accepts a last entry that is not filled up to a block, and not one that is filled up in part', async () => {
    const whole = rawEntry({ form: 'ustar', name: 'a', flag: '0', content: text });
    expect(await list(whole.subarray(0, 516))).toEqual([['a', 'file', 4, '', 'text']]);
    expect(await refused(whole.subarray(0, 600))).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it.each([
    ['a length that is not decimal', Buffer.from('0x9 ab=c\n')],
    ['a length of nothing', Buffer.from('0 ab=c\n')],
    ['a length beyond the header', Buffer.from('99 ab=c\n')],
    ['no key', paxRecord('', 'c')],
    ['no end', Buffer.from('8 ab=cde')],
  ])('refuses a pax record with %s', async (_title, record) => {
    const header = rawEntry({ form: 'ustar', name: 'pax', flag: 'x', content: record });
    expect(await refused(Buffer.concat([header, rawTar([{ form: 'ustar', name: 'a', flag: '0' }])]))).toEqual(['ERR_LAYER_UNSAFE']);
  });
});
