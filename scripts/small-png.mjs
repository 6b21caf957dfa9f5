// A picture of a page has few colours that matter: with 256 of them it takes less than half the bytes (PNG, third edition, color type 3).
import { crc32, deflateSync } from 'node:zlib';

const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
};

/** The 256 colours that a picture has most of, and for each of its colours the nearest of them. @param pixels RGBA */
const palette = (pixels) => {
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = pixels.readUInt32BE(at) >>> 8;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const colours = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  const kept = colours.slice(0, 256);
  const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const split = kept.map(parts);
  const nearest = (colour) => {
    const [r, g, b] = parts(colour);
    const far = split.map(([x, y, z]) => (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2);
    return far.indexOf(Math.min(...far));
  };
  return { kept: Buffer.from(split.flat()), nearest: new Map(colours.map((colour, at) => [colour, at < 256 ? at : nearest(colour)])) };
};

/** A picture as a PNG of at most 256 colours. @param pixels RGBA */
export const smallPng = (pixels, width, height) => {
  const { kept, nearest } = palette(pixels);
  // Each row begins with its filter, which is none.
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = nearest.get(pixels.readUInt32BE((y * width + x) * 4) >>> 8);
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk('IHDR', head), chunk('PLTE', kept), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
};

/** The pixels of a picture, RGBA, as the browser has them. @param page one without a policy, such as about:blank */
export const pixelsOf = async (page, picture) => {
  const { width, height, data } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const { data: rgba } = context.getImageData(0, 0, image.width, image.height);
    let text = '';
    for (let at = 0; at < rgba.length; at += 8192) text += String.fromCharCode(...rgba.subarray(at, at + 8192));
    return { width: image.width, height: image.height, data: btoa(text) };
  }, picture.toString('base64'));
  return { width, height, pixels: Buffer.from(data, 'base64') };
};
