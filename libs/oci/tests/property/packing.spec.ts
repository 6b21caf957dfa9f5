import { spawnSync } from 'node:child_process';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chunksOf, drain, runs } from '@pinlane/testing';
import { decompressed, PackingError } from '../../src/index.ts';

/** What is packed in some bytes, or why it can't be said. */
const unpack = async (packing: 'gzip' | 'zstd', bytes: Uint8Array, pieces: number): Promise<string> => {
  try {
    return (await drain(decompressed(packing, chunksOf(bytes, pieces)))).toString('hex');
  } catch (error) {
    expect(error).toBeInstanceOf(PackingError);
    return 'refused';
  }
};

/** The same by the program of that name; it warns of what follows the last member of gzip by status 2. */
const byProgram = (program: 'gzip' | 'zstd', bytes: Uint8Array): string => {
  const { status, stdout } = spawnSync(program, ['-dcq'], { input: bytes, maxBuffer: 2 ** 28 });
  return status === 0 ? stdout.toString('hex') : 'refused';
};

const skippable = (number: number, content: Uint8Array): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50 + number, 0);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
};

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.tuple(fc.nat(255), fc.nat(400_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
);
const rle = Buffer.from('28b52ffd2003032a0000'.slice(0, 12) + '1b00002a', 'hex');
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(content, fc.integer({ min: 1, max: 12 }), fc.boolean()).map(([bytes, level, sum]) => packFrame(bytes, level, sum)) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(15), fc.uint8Array({ maxLength: 50 })).map(([number, bytes]) => skippable(number, bytes)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
  { weight: 1, arbitrary: fc.constant(rle) },
);
const packFrame = (bytes: Uint8Array, level: number, sum: boolean): Buffer =>
  // 100: the level; 201: whether a checksum is written (zstd.h, ZSTD_cParameter).
  zstdCompressSync(bytes, { params: { 100: level, 201: Number(sum) } });
const member = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(content, fc.nat(9)).map(([bytes, level]) => gzipSync(bytes, { level })) },
  // As eStargz ends: an empty member with a field of its own (RFC 1952, FEXTRA).
  { weight: 1, arbitrary: fc.constant(Buffer.concat([Buffer.from('1f8b080400000000000305005a5a01007a', 'hex'), gzipSync('').subarray(10)])) },
);

/** What may be done to the end of a stream: zeroes or other bytes behind it, or a cut. */
const end = fc.oneof(
  { weight: 4, arbitrary: fc.constant((bytes: Buffer) => bytes) },
  { weight: 1, arbitrary: fc.nat(1500).map((size) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(size)])) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 30 }).map((more) => (bytes: Buffer) => Buffer.concat([bytes, more])) },
  { weight: 2, arbitrary: fc.nat(30).map((size) => (bytes: Buffer) => bytes.subarray(0, Math.max(0, bytes.length - size))) },
);
const numRuns = runs(60);

describe('What is packed with zstd', () => {
  it('in frames of all kinds and at any cut is what the program finds in it', () =>
    fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 6 }), end, fc.integer({ min: 1, max: 5000 }), async (frames, spoil, pieces) => {
        const bytes = spoil(Buffer.concat(frames));
        expect(await unpack('zstd', bytes, pieces)).toBe(byProgram('zstd', bytes));
      }),
      { numRuns },
    ));

  it('is found by no other rule than that of the program in any bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), async (frames, at, byte) => {
        const bytes = Buffer.concat(frames);
        if (bytes.length > 0) bytes[at % Math.min(bytes.length, 60)] = byte;
        const [ours, theirs] = [await unpack('zstd', bytes, 777), byProgram('zstd', bytes)];
        // Which of the two notices more in damaged bytes may differ; never what is read.
        if (ours !== 'refused' && theirs !== 'refused') expect(ours).toBe(theirs);
      }),
      { numRuns },
    ));
});

describe('What is packed with gzip', () => {
  it('in several members and at any cut is what the program finds in it', () =>
    fc.assert(
      fc.asyncProperty(fc.array(member, { maxLength: 6 }), end, fc.integer({ min: 1, max: 5000 }), async (members, spoil, pieces) => {
        const bytes = spoil(Buffer.concat(members));
        expect(await unpack('gzip', bytes, pieces)).toBe(byProgram('gzip', bytes));
      }),
      { numRuns },
    ));
});

describe('What stands behind the last member of gzip', () => {
  it.each([
    ['a byte behind padding', [0, 1]],
    ['the first byte of a member behind padding', [0, 31]],
    ['the beginning of a member behind padding', [0, 0, 31, 139, 8]],
    ['a member behind padding', [0, ...gzipSync('hidden')]],
  ])('is seen wherever the bytes are cut: %s', async (_, more) => {
    for (const text of ['', 'abc']) {
      const bytes = Buffer.concat([gzipSync(text), Buffer.from(more)]);
      for (let pieces = 1; pieces <= bytes.length; pieces += 1) expect(await unpack('gzip', bytes, pieces)).toBe('refused');
    }
  });
});

describe('Many small parts', () => {
  it.each([
    ['zstd', packFrame(Buffer.from('x'), 3, false)],
    ['zstd', packFrame(Buffer.alloc(0), 3, false)],
    ['zstd', skippable(0, Buffer.alloc(0))],
    ['gzip', gzipSync('')],
    ['gzip', gzipSync('x')],
  ] as const)(
    'of %s are read to the last',
    async (packing, part) => {
      // More frames of zstd than this are refused if they hold next to nothing.
      const count = Math.min(Math.ceil(2 ** 18 / part.length), packing === 'zstd' ? 16_000 : Infinity);
      const bytes = Buffer.concat([
        ...Array.from({ length: count }, () => part),
        packing === 'zstd' ? packFrame(Buffer.from('end'), 3, true) : gzipSync('end'),
      ]);
      const read = await drain(decompressed(packing, chunksOf(bytes, 65_536)));
      expect(read.toString('latin1').replace(/^x*/, '')).toBe('end');
    },
    60_000,
  );
});
