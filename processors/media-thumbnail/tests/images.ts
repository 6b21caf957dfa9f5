import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';

export type Pixel = readonly [number, number, number, number];

/** A bitmap with the pixels that a function returns. */
export const bitmap = (width: number, height: number, pixel: (x: number, y: number) => Pixel) => {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) data.set(pixel(x, y), (y * width + x) * 4);
  return { width, height, data };
};

export const pixelAt = ({ width, data }: { readonly width: number; readonly data: Uint8Array }, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
];

export const png = (image: ReturnType<typeof bitmap>): Buffer => {
  const file = new PNG({ width: image.width, height: image.height });
  file.data = Buffer.from(image.data);
  return PNG.sync.write(file);
};

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
};

const crc32 = (bytes: Buffer): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
};

/** A PNG of a given header and given pixel data, which need not fit each other. */
export const rawPng = (width: number, height: number, interlaced: boolean, pixels: Buffer): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.alloc(0))]);
};

/** A JPEG, with an EXIF orientation if one is given. */
export const jpegFile = (image: ReturnType<typeof bitmap>, orientation?: number, little = false): Buffer => {
  const file = Buffer.from(jpeg.encode({ ...image, data: Buffer.from(image.data) }, 95).data);
  if (orientation === undefined) return file;
  const value = `0${orientation}`;
  const directory = little
    ? `49492a0008000000 0100 12010300 01000000 ${value}000000 00000000`
    : `4d4d002a00000008 0001 01120003 00000001 00${value}0000 00000000`;
  const tiff = Buffer.from(directory.replaceAll(' ', ''), 'hex');
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, body.length + 2]), body]);
  return Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
};

export const dataUri = (bytes: Buffer, mime = 'image/png'): string => `data:${mime};base64,${bytes.toString('base64')}`;
