import { ProcessorError } from '@pinlane/processor-runtime';

/** What the header of an image says, read before any pixel is decoded. */
export interface ImageHeader {
  readonly mime: 'image/png' | 'image/jpeg';
  readonly width: number;
  readonly height: number;
  /** The size of its inflated pixels, in bytes; null for a JPEG. */
  readonly inflatedSize: number | null;
  /** How the stored image must be turned to stand upright: 1 to 8, as EXIF numbers it. */
  readonly orientation: number;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_PIXELS = 16_000_000;
const MAX_SIDE = 16_384;

const malformed = (why: string): never => {
  throw new ProcessorError('ERR_INPUTS', `/inputs/params/image ${why}`);
};

/** Samples per pixel, by colour type (PNG specification, 11.2.1 "IHDR"). */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** For each pass of an interlaced image, its first pixel and the distance between its pixels: x, y, dx, dy (PNG specification, 8.1). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The size of some rows of pixels, in bytes. Each row begins with a byte that names its filter. */
const rowsSize = (width: number, height: number, bitsPerPixel: number): number =>
  width <= 0 || height <= 0 ? 0 : (Math.ceil((width * bitsPerPixel) / 8) + 1) * height;

const readPng = (bytes: Buffer): ImageHeader => {
  if (bytes.length < 33 || bytes.toString('latin1', 12, 16) !== 'IHDR') return malformed('is a PNG without a header');
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [depth = 0, colourType = 0, , , interlace = 0] = bytes.subarray(24, 29);
  const channels = CHANNELS[colourType];
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth) || interlace > 1) return malformed('is a PNG of a kind that does not exist');
  const bits = channels * depth;
  const inflatedSize =
    interlace === 0
      ? rowsSize(width, height, bits)
      : PASSES.reduce((sum, [x, y, dx, dy]) => sum + rowsSize(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy), bits), 0);
  return { mime: 'image/png', width, height, inflatedSize, orientation: 1 };
};

/** The orientation in an EXIF block, which is a TIFF 6.0 header and a first directory of 12-byte entries. */
const exifOrientation = (block: Buffer): number => {
  if (block.length < 20 || block.toString('latin1', 0, 6) !== 'Exif\0\0') return 1;
  const tiff = block.subarray(6);
  const little = tiff.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number): number => (at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  for (let n = 0; n < u16(directory); n += 1) {
    const entry = directory + 2 + n * 12;
    if (entry + 12 > tiff.length) break;
    if (u16(entry) === 0x0112) return u16(entry + 8) >= 1 && u16(entry + 8) <= 8 ? u16(entry + 8) : 1;
  }
  return 1;
};

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Reads the segments of a JPEG up to the frame header, which holds the dimensions (ITU T.81, B.1 and B.2.2). */
const readJpeg = (bytes: Buffer): ImageHeader => {
  let orientation = 1;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return malformed('is a JPEG with a damaged header');
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) break;
    if (marker === 0xe1) orientation = exifOrientation(bytes.subarray(at + 4, at + 2 + length));
    if (isFrame(marker) && length >= 8)
      return { mime: 'image/jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5), inflatedSize: null, orientation };
    at += 2 + length;
  }
  return malformed('is a JPEG without a frame');
};

/**
 * Reads the header of an image, and refuses an image that would be too large when it is decoded, because a few kilobytes can claim gigabytes.
 * @throws ERR_INPUTS
 */
export const readHeader = (bytes: Buffer): ImageHeader => {
  const isPng = bytes.subarray(0, 8).equals(PNG_SIGNATURE);
  if (!isPng && !(bytes[0] === 0xff && bytes[1] === 0xd8)) return malformed('is neither a PNG nor a JPEG');
  const header = isPng ? readPng(bytes) : readJpeg(bytes);
  const { width, height } = header;
  if (width === 0 || height === 0) return malformed('has no pixels');
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS)
    return malformed(`is ${width} x ${height} pixels; at most ${MAX_PIXELS / 1e6} million, and ${MAX_SIDE} a side, are taken`);
  return header;
};
