import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testProcessor, type TestProcessor } from '@pinlane/processor-runtime/testing';
import { PNG } from 'pngjs';
import { processor } from '../../src/processor.ts';
import { bitmap, dataUri, jpegFile, pixelAt, png } from '../images.ts';

const halves = bitmap(60, 20, (x) => (x < 30 ? [255, 0, 0, 255] : [0, 0, 255, 255]));

describe('making thumbnails', () => {
  let served: TestProcessor;
  beforeAll(async () => {
    served = await testProcessor(processor, { registry: join(import.meta.dirname, '../../registry.yaml') });
  });
  afterAll(() => served.stop());

  it.each(['mock', 'real'] as const)('writes a PNG for each size and the metadata in mode %s', async (mode) => {
    const sizes = [
      { name: 'fit', width: 30, height: 30 },
      { name: 'crop', width: 10, height: 10, fit: 'cover' },
    ];
    const run = await served.run({ image: dataUri(png(halves)), sizes }, { mode, stream: true });
    expect(run.envelope.outputs.map(({ path, mime }) => [path, mime])).toEqual([
      ['metadata.json', 'application/json'],
      ['thumbnails/crop.png', 'image/png'],
      ['thumbnails/fit.png', 'image/png'],
    ]);
    const fit = PNG.sync.read(await run.bytes('thumbnails/fit.png'));
    expect([fit.width, fit.height, pixelAt(fit, 5, 5), pixelAt(fit, 25, 5)]).toEqual([30, 10, [255, 0, 0, 255], [0, 0, 255, 255]]);
    expect(JSON.parse(await run.text('metadata.json'))).toMatchObject({
      mime: 'image/png',
      width: 60,
      height: 20,
      thumbnails: [
        { name: 'fit', width: 30, height: 10, fit: 'contain' },
        { name: 'crop', width: 10, height: 10, fit: 'cover' },
      ],
    });
    expect(run.progress.map(({ phase }) => phase)).toEqual(['decoded', 'thumbnail', 'thumbnail']);
  });

  it('turns a photograph upright before it is made smaller', async () => {
    const run = await served.run({ image: dataUri(jpegFile(halves, 6), 'image/jpeg'), sizes: [{ name: 'a', width: 20, height: 60 }] });
    const { width, height, data } = PNG.sync.read(await run.bytes('thumbnails/a.png'));
    const [top, bottom] = [pixelAt({ width, data }, 10, 5), pixelAt({ width, data }, 10, 55)];
    expect([width, height]).toEqual([20, 60]);
    expect(top[0]).toBeGreaterThan(200);
    expect(bottom[2]).toBeGreaterThan(200);
  });

  it('has two sizes of its own', async () => {
    const run = await served.run({ image: dataUri(png(halves)) });
    expect(run.envelope.outputs.map(({ path }) => path)).toEqual(['metadata.json', 'thumbnails/large.png', 'thumbnails/small.png']);
  });

  it.each([
    ['text that calls itself a PNG', { image: dataUri(Buffer.from('hello')) }, 'is neither a PNG nor a JPEG'],
    ['a PNG that calls itself a JPEG', { image: dataUri(png(halves), 'image/jpeg') }, 'but it is image/png'],
    ['an address', { image: 'https://example.com/x.png' }, 'must match pattern'],
    ['an SVG', { image: 'data:image/svg+xml;base64,PHN2Zz4=' }, 'must match pattern'],
    ['two sizes of one name', { image: dataUri(png(halves)), sizes: [1, 2].map((side) => ({ name: 'a', width: side, height: side })) }, 'twice'],
    ['a size whose name is a path', { image: dataUri(png(halves)), sizes: [{ name: '../a', width: 1, height: 1 }] }, 'must match pattern'],
    ['a size beyond the limit', { image: dataUri(png(halves)), sizes: [{ name: 'a', width: 5000, height: 1 }] }, 'must be <= 2048'],
  ])('refuses %s', async (_, params, message) => {
    const run = await served.run(params);
    expect(run.status).toBe(400);
    expect(run.envelope.error.code).toBe('ERR_INPUTS');
    expect(run.envelope.error.message).toContain(message);
  });
});
