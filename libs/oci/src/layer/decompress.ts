import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { fail, isPinlaneError } from '@pinlane/contracts';
import type { LayerCompression } from '../content/index.ts';

/** The tar in a layer's blob. @throws ERR_MANIFEST_INVALID when it is not packed as its media type says */
export async function* unpackedChunks(chunks: AsyncIterable<Uint8Array>, compression: LayerCompression): AsyncGenerator<Uint8Array, void, void> {
  if (compression === 'none') return yield* chunks;
  const unpack = compression === 'gzip' ? createGunzip({ chunkSize: 256 * 1024 }) : createZstdDecompress({ chunkSize: 256 * 1024 });
  const fed = pipeline(Readable.from(chunks), unpack);
  fed.catch(() => undefined);
  try {
    for await (const chunk of unpack) yield chunk as Buffer;
    await fed;
  } catch (cause) {
    if (isPinlaneError(cause)) throw cause;
    fail('ERR_MANIFEST_INVALID', `a layer is not valid ${compression}`, { cause });
  }
}
