import { inflateSync } from 'node:zlib';
import { ProcessorError } from '@pinlane/processor-runtime';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import type { ImageHeader } from './header.ts';

/** Pixels, row by row, of four bytes each: red, green, blue and alpha (not premultiplied). */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const MAX_JPEG_MEMORY_MB = 768;

/** The compressed pixels of a PNG: its IDAT chunks, joined. */
const pixelData = (bytes: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return Buffer.concat(parts);
};

// Some encoders write a few bytes more than the pixels take.
const SLACK = 1024;

/**
 * Proves that the pixels of a PNG inflate to as many bytes as its header says. The decoder sets no bound to what it inflates of an interlaced
 * image, and fills missing pixels with whatever was in memory before.
 */
const checkPixelData = (bytes: Buffer, size: number): void => {
  const { length } = inflateSync(pixelData(bytes), { maxOutputLength: size + SLACK });
  if (length < size) throw new Error(`it has ${length} bytes of pixels, and its header says ${size}`);
};

/** Decodes an image whose header was checked. @throws ERR_INPUTS if the rest of it is malformed */
export const decode = (bytes: Buffer, header: ImageHeader): Bitmap => {
  try {
    if (header.inflatedSize !== null) {
      checkPixelData(bytes, header.inflatedSize);
      const { width, height, data } = PNG.sync.read(bytes);
      return { width, height, data };
    }
    const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: true, maxMemoryUsageInMB: MAX_JPEG_MEMORY_MB });
    return { width, height, data };
  } catch (error) {
    throw new ProcessorError('ERR_INPUTS', `/inputs/params/image cannot be decoded: ${(error as Error).message.slice(0, 200)}`, { cause: error });
  }
};

/** Encodes a bitmap as PNG. The same pixels give the same bytes. */
export const encodePng = ({ width, height, data }: Bitmap): Buffer => {
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return PNG.sync.write(png, { deflateLevel: 9 });
};
