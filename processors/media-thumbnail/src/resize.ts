import type { Bitmap } from './decode.ts';
import type { Fit } from './params.ts';

/** A part of an image, in pixels; fractions are allowed. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Which part of an image becomes a thumbnail, and of which dimensions. */
export interface Frame {
  readonly area: Area;
  readonly width: number;
  readonly height: number;
}

const atLeastOne = (value: number): number => Math.max(1, Math.round(value));

/** Fits an image into a box. */
export const frameFor = (
  image: { readonly width: number; readonly height: number },
  box: { readonly width: number; readonly height: number },
  fit: Fit,
): Frame => {
  const whole: Area = { x: 0, y: 0, width: image.width, height: image.height };
  if (fit === 'fill') return { area: whole, width: box.width, height: box.height };
  const [across, down] = [box.width / image.width, box.height / image.height];
  if (fit === 'contain') {
    const scale = Math.min(across, down, 1);
    return { area: whole, width: Math.min(atLeastOne(image.width * scale), box.width), height: Math.min(atLeastOne(image.height * scale), box.height) };
  }
  const scale = Math.max(across, down);
  const [width, height] = [box.width / scale, box.height / scale];
  return { area: { x: (image.width - width) / 2, y: (image.height - height) / 2, width, height }, width: box.width, height: box.height };
};

interface Tap {
  readonly at: number;
  readonly weight: number;
}

/** For each pixel of the new line, the pixels of the old line that it covers, each with the share that it has in the new one. */
const taps = (start: number, length: number, count: number, limit: number): Tap[][] =>
  Array.from({ length: count }, (_, n) => {
    const from = start + (n * length) / count;
    const to = start + ((n + 1) * length) / count;
    const covered: Tap[] = [];
    for (let at = Math.max(0, Math.floor(from)); at < Math.min(limit, Math.ceil(to)); at += 1) {
      const weight = Math.min(to, at + 1) - Math.max(from, at);
      if (weight > 0) covered.push({ at, weight: weight / (to - from) });
    }
    return covered;
  });

/**
 * Scales a part of an image: each new pixel is the average of those that it covers. Colours are weighed by their alpha, so that the colour of
 * transparent pixels does not show in the others.
 */
export const resize = (image: Bitmap, { area, width, height }: Frame): Bitmap => {
  const columns = taps(area.x, area.width, width, image.width);
  const rows = taps(area.y, area.height, height, image.height);
  const data = new Uint8Array(width * height * 4);
  const line = new Float64Array(width * 4);
  rows.forEach((row, y) => {
    line.fill(0);
    for (const { at: sy, weight: down } of row)
      columns.forEach((column, x) => {
        for (const { at: sx, weight: across } of column) {
          const from = (sy * image.width + sx) * 4;
          const alpha = (image.data[from + 3] ?? 0) * down * across;
          for (let channel = 0; channel < 3; channel += 1) line[x * 4 + channel]! += (image.data[from + channel] ?? 0) * alpha;
          line[x * 4 + 3]! += alpha;
        }
      });
    for (let x = 0; x < width; x += 1) {
      const alpha = line[x * 4 + 3] ?? 0;
      for (let channel = 0; channel < 3; channel += 1) data[(y * width + x) * 4 + channel] = alpha === 0 ? 0 : Math.round((line[x * 4 + channel] ?? 0) / alpha);
      data[(y * width + x) * 4 + 3] = Math.round(alpha);
    }
  });
  return { width, height, data };
};
