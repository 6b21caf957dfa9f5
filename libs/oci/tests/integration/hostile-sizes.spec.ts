import { zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { chunksOf, cpuSeconds, drain, errorOf, imageOf, layerOf, platformImage, problemsOf, putImage, runs, temporaryFolder } from '@pinlane/testing';
import { decompressed, openStore, readImage, unpackImage } from '../../src/index.ts';
import { applyListing } from '../../src/assemble/apply-listing.ts';
import { FileTree } from '../../src/assemble/tree.ts';
import { parseDocument } from '../../src/content/document.ts';
import { listLayer } from '../../src/layer/listing.ts';
import { buildFiles } from '../support/building.ts';
import { paxRecord, rawEntry, type RawEntry } from '../support/raw-tar.ts';

const MEBIBYTE = 2 ** 20;
/** What takes some microseconds for each of its bytes is tried on a part of a mebibyte, and on a whole one in `npm run fuzz`. */
const PART = Math.min(MEBIBYTE, runs(MEBIBYTE / 4));
/** Seconds of a processor. Each takes a fraction of one on a quiet machine, two for a whole mebibyte, and took ten to hundreds in some version. */
const MOST = PART < MEBIBYTE ? 4 : 8;

let folder = '';
beforeEach(() => void (folder = temporaryFolder('sizes')));

/** Bytes of up to a size, made of parts. */
const filled = (size: number, part: (at: number) => Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0, length = 0; length < size; at += 1) {
    parts.push(part(at));
    length += parts.at(-1)!.length;
  }
  return Buffer.concat(parts);
};
const text = (size: number, part: (at: number) => string): string => filled(size, (at) => Buffer.from(part(at))).toString();

describe('A layer of zstd', () => {
  /** A frame without a size and a checksum; `blocks` are headers of three bytes, each with what follows it. */
  const frame = (...blocks: Buffer[]): Buffer => Buffer.concat([Buffer.from('28b52ffd0000', 'hex'), ...blocks]);
  const block = (type: number, size: number, last = false, content = Buffer.alloc(0)): Buffer => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((size << 3) | (type << 1) | Number(last), 0, 3);
    return Buffer.concat([header, content]);
  };
  const empty = block(0, 0);
  const last = block(0, 0, true);

  it.each([
    ['frames of nothing', filled(PART, () => frame(last))],
    ['frames of a byte', filled(PART, () => zstdCompressSync('a'))],
    ['frames of a byte again and again', filled(PART, () => frame(block(1, 900, true, Buffer.from('a'))))],
    [
      'one frame of blocks of nothing',
      frame(
        filled(MEBIBYTE, () => empty),
        last,
      ),
    ],
    [
      'frames of many blocks of nothing',
      filled(MEBIBYTE, () =>
        frame(
          filled(8000, () => empty),
          last,
        ),
      ),
    ],
    ['frames of two blocks, cut', filled(PART, () => frame(empty, last)).subarray(0, PART - 3)],
  ])('is done with in a time that its size bounds: %s', async (_, bytes) => {
    const read = () =>
      drain(decompressed('zstd', chunksOf(bytes, 65_536))).catch((error: Error) => {
        // Thousands of frames of a few bytes each are refused by name.
        if (!/are more than 16384 frames, of fewer than 32 bytes on the mean/.test(error.message)) throw error;
      });
    expect(await cpuSeconds(read)).toBeLessThan(MOST);
  });

  it('is read if its many frames hold something, and refused by name if they do not', async () => {
    const many = (content: string) => filled(20_000 * zstdCompressSync(content).length, () => zstdCompressSync(content));
    const varied = 'abcdefghijklmnopqrstuvwxyz0123456789';
    expect((await drain(decompressed('zstd', chunksOf(many(varied), 65_536)))).length).toBe(20_000 * varied.length);
    await expect(drain(decompressed('zstd', chunksOf(many('a'), 65_536)))).rejects.toThrow('are more than 16384 frames, of fewer than 32 bytes on the mean');
  });

  it('is read the same in pieces of any size', async () => {
    const bytes = Buffer.concat([
      ...['a', 'bc', ''].map((each) => zstdCompressSync(each)),
      frame(block(1, 3, false, Buffer.from('d')), empty, block(0, 2, true, Buffer.from('ef'))),
      frame(
        filled(70_000, () => empty),
        block(0, 1, true, Buffer.from('g')),
      ),
      zstdCompressSync('h'.repeat(9000)),
    ]);
    for (const pieces of [1, 7, 4096, bytes.length])
      expect(String(await drain(decompressed('zstd', chunksOf(bytes, pieces))))).toBe(`abcdddefg${'h'.repeat(9000)}`);
  });
});

describe('A layer of tar', () => {
  const END = Buffer.alloc(1024);
  const entry = (name: string, flag = '0', more: Partial<RawEntry> = {}): Buffer => rawEntry({ form: 'ustar', name, flag, ...more });
  const about = (flag: string, content: Buffer): Buffer => entry('about', flag, { content });
  const records = (size: number): Buffer => filled(size - 100, (at) => paxRecord(`k${at}`, 'v'));
  const deep = Array.from({ length: 250 }, () => 'd').join('/');

  const SHAPES: Readonly<Record<string, readonly Buffer[]>> = {
    'global records for each of many files': [about('g', records(PART)), filled(PART, (at) => entry(`f${at}`))],
    'global records for each of many headers': [about('g', records(PART)), filled(PART, (at) => rawEntry({ form: 'pax', name: `f${at}`, flag: '0' }))],
    'one header of records': [about('x', records(2 * PART)), entry('f')],
    'a long name of bytes that are no text': [about('L', Buffer.alloc(PART - 10, 0xff)), entry('f')],
    'short names of bytes that are no text': [filled(PART, (at) => entry(`\udcff\udcfe${at}`))],
    'names in deep folders': [filled(PART, (at) => rawEntry({ form: 'gnu', name: `${deep}/${at}`, flag: '0' }))],
    'names through links': [
      entry('l0/', '5'),
      ...Array.from({ length: 38 }, (_, at) => entry(`l${at + 1}`, '2', { linkName: `l${at}` })),
      filled(PART, (at) => entry(`l38/${at}`)),
    ],
    'files and folders in turn': [filled(PART, (at) => [entry('d/', '5'), entry('d/a/b/c'), entry('d')][at % 3]!)],
  };

  it.each(Object.entries(SHAPES))('is listed and unpacked in a time that its size bounds: %s', async (_, parts) => {
    const store = openStore(`${folder}/store`);
    const image = imageOf([platformImage('amd64', [layerOf(Buffer.concat([...parts, END]), { gzip: true })])]);
    await putImage(store, image);
    const { digest } = image.index.descriptor;
    const { manifest, config } = (await readImage(store, digest)).platforms[0]!;
    const [descriptor, diffId] = [manifest.layers[0]!, config.rootfs.diff_ids[0]!];
    const listed = cpuSeconds(async () => applyListing(new FileTree(), await listLayer(store, descriptor, diffId), { descriptor, diffId }));
    expect(await listed).toBeLessThan(MOST);
    expect(await cpuSeconds(() => unpackImage(store, digest, { platform: 'linux/amd64', cacheDir: `${folder}/cache` }))).toBeLessThan(MOST);
  });
});

describe('A manifest of a mebibyte', () => {
  const whole = (keys: string): Buffer => Buffer.from(`{"schemaVersion":2,${keys}"z":1}`);
  it.each([
    ['keys that nobody knows', text(MEBIBYTE, (at) => `"k${at}":1,`)],
    ['keys in keys', text(MEBIBYTE, (at) => `"k${at}":{"a${at}":1},`)],
    ['escaped keys', text(MEBIBYTE, (at) => `"\\u006b${at}":1,`)],
    ['a list of lists', `"manifests":[${text(MEBIBYTE, () => '[],')}1],`],
    ['entries that are none', `"manifests":[${text(MEBIBYTE, () => '{"size":"x"},')}1],`],
  ])('is refused in a time that its size bounds: %s', async (_, keys) => {
    let code = 'taken';
    const parsing = cpuSeconds(async () => {
      ({ code } = await errorOf(() => parseDocument(whole(keys))));
    });
    expect([await parsing, code]).toEqual([expect.any(Number), 'ERR_MANIFEST_INVALID']);
    expect(await parsing).toBeLessThan(MOST);
  });
});

describe('A path that no layer may have', () => {
  const LINES = Array.from({ length: 1900 }, () => 'WORKDIR a\n').join('');
  it('is refused where it is made, and soon', async () => {
    expect(await cpuSeconds(() => buildFiles(folder, `FROM scratch\n${LINES}`, {}))).toBeLessThan(MOST);
    const [first] = await problemsOf(() => buildFiles(folder, `FROM scratch\nWORKDIR ${'a/'.repeat(257)}\n`, {}));
    expect(first).toMatchObject({ code: 'ERR_DOCKERFILE_SYNTAX', message: expect.stringContaining('has more than 256 names') });
    const deep = `${'b/'.repeat(200)}f`;
    const [copied] = await problemsOf(() => buildFiles(folder, `FROM scratch\nCOPY . /${'a/'.repeat(60)}\n`, { [deep]: 'x' }));
    expect(copied).toMatchObject({ code: 'ERR_CONTEXT_INVALID', message: expect.stringContaining('nested too deeply') });
  });
});
