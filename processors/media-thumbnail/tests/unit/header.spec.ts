import { describe, expect, it } from '@jest/globals';
import { readHeader } from '../../src/header.ts';
import { bitmap, jpegFile, png, rawPng } from '../images.ts';

const grey = bitmap(5, 3, () => [9, 9, 9, 255]);

describe('the header of an image', () => {
  it('tells what a PNG and a JPEG are', () => {
    expect(readHeader(png(grey))).toEqual({ mime: 'image/png', width: 5, height: 3, inflatedSize: 3 * (5 * 4 + 1), orientation: 1 });
    expect(readHeader(jpegFile(grey))).toEqual({ mime: 'image/jpeg', width: 5, height: 3, inflatedSize: null, orientation: 1 });
  });

  it('counts the bytes of an interlaced PNG pass by pass', () => {
    // The seven passes of 5 x 3 pixels have 1x1, 1x1, none, 1x1, 3x1, 2x2 and 5x1.
    expect(readHeader(rawPng(5, 3, true, Buffer.alloc(0))).inflatedSize).toBe(5 + 5 + 0 + 5 + 13 + 2 * 9 + 21);
    expect(readHeader(rawPng(1, 1, true, Buffer.alloc(0))).inflatedSize).toBe(5);
  });

  it.each([
    [6, false],
    [8, true],
  ])('tells the orientation %i from EXIF, little-endian: %s', (orientation, little) => {
    expect(readHeader(jpegFile(grey, orientation, little)).orientation).toBe(orientation);
  });

  it('takes a nonsensical orientation for upright', () => {
    expect(readHeader(jpegFile(grey, 9)).orientation).toBe(1);
  });

  it.each([
    ['text', Buffer.from('GIF89a, or so it says'), 'is neither a PNG nor a JPEG'],
    ['nothing', Buffer.alloc(0), 'is neither a PNG nor a JPEG'],
    ['a PNG that ends at once', png(grey).subarray(0, 20), 'is a PNG without a header'],
    ['a JPEG that ends at once', Buffer.from([0xff, 0xd8]), 'is a JPEG without a frame'],
    ['a JPEG whose segment is longer than it', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff]), 'is a JPEG without a frame'],
    ['a JPEG with noise', Buffer.from([0xff, 0xd8, 0x00, 0x01, 0x02, 0x03]), 'damaged header'],
    ['a colour type that does not exist', Buffer.from(png(grey).fill(5, 25, 26)), 'of a kind that does not exist'],
    ['no pixels', rawPng(0, 5, false, Buffer.alloc(0)), 'has no pixels'],
    ['four billion pixels', rawPng(65_536, 65_536, false, Buffer.alloc(0)), 'is 65536 x 65536 pixels'],
    ['a line of a million pixels', rawPng(1_000_000, 1, false, Buffer.alloc(0)), '16384 a side'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readHeader(bytes)).toThrow(message);
  });

  it('never fails otherwise than with ERR_INPUTS on a damaged file', () => {
    for (const file of [jpegFile(grey, 6), png(grey)])
      for (let at = 0; at < Math.min(file.length, 200); at += 1)
        for (const value of [0x00, 0xff]) {
          const damaged = Buffer.from(file);
          damaged[at] = value;
          try {
            readHeader(damaged.subarray(0, at + 60));
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_INPUTS' });
          }
        }
    expect.hasAssertions();
  });
});
