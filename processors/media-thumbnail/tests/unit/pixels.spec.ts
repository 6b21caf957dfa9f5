import { describe, expect, it } from '@jest/globals';
import { decode, encodePng } from '../../src/decode.ts';
import { readHeader } from '../../src/header.ts';
import { upright } from '../../src/orient.ts';
import { frameFor, resize } from '../../src/resize.ts';
import { bitmap, jpegFile, pixelAt, png, rawPng } from '../images.ts';

const decoded = (bytes: Buffer) => decode(bytes, readHeader(bytes));

describe('decoding and encoding', () => {
  const image = bitmap(3, 2, (x, y) => [x * 100, y * 200, 7, x === 0 ? 128 : 255]);

  it('keeps every pixel of a PNG', () => {
    const { data } = decoded(encodePng(image));
    expect([...data]).toEqual([...image.data]);
  });

  it('gives the same bytes for the same pixels', () => {
    expect(encodePng(image).equals(encodePng(decoded(png(image))))).toBe(true);
  });

  it('keeps the colours of a JPEG, nearly', () => {
    const { width, height, data } = decoded(jpegFile(bitmap(16, 16, () => [200, 50, 20, 255])));
    const [red = 0, green = 0, blue = 0, alpha] = pixelAt({ width, data }, 8, 8);
    expect([width, height, alpha]).toEqual([16, 16, 255]);
    expect(Math.abs(red - 200) + Math.abs(green - 50) + Math.abs(blue - 20)).toBeLessThan(12);
  });

  it('refuses an interlaced PNG that inflates to more than it has pixels', () => {
    const bomb = rawPng(4, 4, true, Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(60_000);
    expect(() => decoded(bomb)).toThrow(expect.objectContaining({ code: 'ERR_INPUTS' }) as never);
  });

  it('refuses pixel data that is damaged', () => {
    const broken = png(image);
    broken.fill(0x55, 45, 55);
    for (const bytes of [broken, png(image).subarray(0, 60)]) expect(() => decoded(bytes)).toThrow(expect.objectContaining({ code: 'ERR_INPUTS' }) as never);
  });

  it.each([false, true])('refuses pixel data that is too short by a byte, interlaced: %s, rather than fill it from memory', (interlaced) => {
    const size = readHeader(rawPng(20, 10, interlaced, Buffer.alloc(0))).inflatedSize ?? 0;
    for (const length of [0, 1, size - 1]) expect(() => decoded(rawPng(20, 10, interlaced, Buffer.alloc(length)))).toThrow(/bytes of pixels|cannot be decoded/);
    expect(decoded(rawPng(20, 10, interlaced, Buffer.alloc(size))).data.every((byte) => byte === 0)).toBe(true);
  });

  it('decodes an interlaced PNG to its pixels', () => {
    // Of 2 x 2 pixels, pass 1 has the first, pass 6 the one beside it, and pass 7 the two below.
    const rows = [
      [0, 1, 0, 0, 255],
      [0, 2, 0, 0, 255],
      [0, 3, 0, 0, 255, 4, 0, 0, 255],
    ];
    const { data } = decoded(rawPng(2, 2, true, Buffer.from(rows.flat())));
    expect([0, 1, 2, 3].map((at) => data[at * 4])).toEqual([1, 2, 3, 4]);
  });
});

describe('an upright image', () => {
  // The four corners are numbered in the order in which they are stored: 1 2 / 3 4.
  const stored = bitmap(2, 2, (x, y) => [1 + x + 2 * y, 0, 0, 255]);
  it.each([
    [1, [1, 2, 3, 4]],
    [2, [2, 1, 4, 3]],
    [3, [4, 3, 2, 1]],
    [4, [3, 4, 1, 2]],
    [5, [1, 3, 2, 4]],
    [6, [3, 1, 4, 2]],
    [7, [4, 2, 3, 1]],
    [8, [2, 4, 1, 3]],
  ])('of orientation %i has its corners in place', (orientation, corners) => {
    const { data } = upright(stored, orientation);
    expect([0, 1, 2, 3].map((at) => data[at * 4])).toEqual(corners);
  });

  it('is as wide as it was high when it lay on its side', () => {
    const { width, height } = upright(
      bitmap(5, 3, () => [0, 0, 0, 255]),
      6,
    );
    expect([width, height]).toEqual([3, 5]);
  });
});

describe('the frame of a thumbnail', () => {
  const wide = { width: 400, height: 100 };
  const box = { width: 100, height: 100 };

  it('keeps the proportions within the box, and does not enlarge', () => {
    expect(frameFor(wide, box, 'contain')).toEqual({ area: { x: 0, y: 0, ...wide }, width: 100, height: 25 });
    expect(frameFor({ width: 40, height: 10 }, box, 'contain')).toMatchObject({ width: 40, height: 10 });
    expect(frameFor({ width: 10_000, height: 1 }, box, 'contain')).toMatchObject({ width: 100, height: 1 });
  });

  it('covers the box with the middle of the image', () => {
    expect(frameFor(wide, box, 'cover')).toEqual({ area: { x: 150, y: 0, width: 100, height: 100 }, width: 100, height: 100 });
  });

  it('fills the box', () => {
    expect(frameFor(wide, box, 'fill')).toEqual({ area: { x: 0, y: 0, ...wide }, width: 100, height: 100 });
  });
});

describe('resizing', () => {
  it('averages what each new pixel covers', () => {
    const stripes = bitmap(4, 2, (x) => [x % 2 === 0 ? 0 : 200, 0, 0, 255]);
    const half = resize(stripes, frameFor(stripes, { width: 2, height: 1 }, 'fill'));
    expect([...half.data]).toEqual([100, 0, 0, 255, 100, 0, 0, 255]);
  });

  it('does not let the colour of transparent pixels bleed', () => {
    const edge = bitmap(2, 1, (x) => (x === 0 ? [255, 0, 0, 0] : [0, 0, 255, 255]));
    expect([...resize(edge, frameFor(edge, { width: 1, height: 1 }, 'fill')).data]).toEqual([0, 0, 255, 128]);
  });

  it('enlarges where it is told to, and keeps a plain colour plain', () => {
    const plain = bitmap(3, 3, () => [10, 20, 30, 255]);
    const large = resize(plain, frameFor(plain, { width: 7, height: 5 }, 'fill'));
    expect(large.data.length).toBe(7 * 5 * 4);
    for (let x = 0; x < 7; x += 1) expect(pixelAt(large, x, 2)).toEqual([10, 20, 30, 255]);
  });
});
