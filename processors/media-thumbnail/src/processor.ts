import { setImmediate } from 'node:timers/promises';
import { defineProcessor, ProcessorError, type RunContext } from '@pinlane/processor-runtime';
import { decode, encodePng } from './decode.ts';
import { readHeader } from './header.ts';
import { upright } from './orient.ts';
import { readDataUri, requireDistinctNames, type ThumbnailParams } from './params.ts';
import { frameFor, resize } from './resize.ts';

const run = async ({ params, output, progress, signal }: RunContext<ThumbnailParams>) => {
  const { mime, bytes } = readDataUri(params.image);
  requireDistinctNames(params.sizes);
  const header = readHeader(bytes);
  if (header.mime !== mime) throw new ProcessorError('ERR_INPUTS', `/inputs/params/image says that it is ${mime}, but it is ${header.mime}`);
  const image = upright(decode(bytes, header), header.orientation);
  await progress({ phase: 'decoded', width: image.width, height: image.height });

  const thumbnails = [];
  for (const { name, width, height, fit } of params.sizes) {
    // The work itself never pauses. This pause lets the server answer health checks, and the time limit take effect.
    await setImmediate();
    signal.throwIfAborted();
    const thumbnail = resize(image, frameFor(image, { width, height }, fit));
    const path = `thumbnails/${name}.png`;
    await output(path, encodePng(thumbnail));
    thumbnails.push({ name, path, width: thumbnail.width, height: thumbnail.height, fit });
    await progress({ phase: 'thumbnail', name });
  }
  const { width, height } = image;
  const metadata = { mime, size_bytes: bytes.length, width, height, orientation: header.orientation, thumbnails };
  await output('metadata.json', `${JSON.stringify(metadata, null, 2)}\n`);
};

/** Makes thumbnails. A mock run does the real work, because that needs neither secrets nor network. */
export const processor = defineProcessor<ThumbnailParams>({ mock: run, real: run });
