import type { Bitmap } from './decode.ts';

/** For each EXIF orientation, where the pixel that is seen at (x, y) is stored; w and h are those of the stored image. */
const SOURCES: Readonly<Record<number, (x: number, y: number, w: number, h: number) => readonly [number, number]>> = {
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _w, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _w, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

/** Turns a bitmap upright. */
export const upright = (bitmap: Bitmap, orientation: number): Bitmap => {
  const source = SOURCES[orientation];
  if (source === undefined) return bitmap;
  const { width: w, height: h } = bitmap;
  const [width, height] = orientation >= 5 ? [h, w] : [w, h];
  const from = new DataView(bitmap.data.buffer, bitmap.data.byteOffset, bitmap.data.byteLength);
  const data = new Uint8Array(bitmap.data.length);
  const to = new DataView(data.buffer);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [sx, sy] = source(x, y, w, h);
      to.setUint32((y * width + x) * 4, from.getUint32((sy * w + sx) * 4));
    }
  return { width, height, data };
};
