// Imported as a namespace, because older Nodes have no zstd: they would not load a module that imports a missing name.
import * as zlib from 'node:zlib';
import { Readable } from 'node:stream';
import { fail, type Digest } from '@pinlane/contracts';
import { createSha256, layerCompression, type ContentSource, type Descriptor } from '../content/index.ts';

/** How far a layer may grow when it is unpacked. */
export interface UnpackLimits {
  /** Bytes of one layer's tar. */
  readonly layerBytes: number;
  /** How many times larger than its blob a layer's tar may be, once it is larger than `ratioFromBytes`. */
  readonly ratio: number;
  readonly ratioFromBytes: number;
  /** Entries of one layer. */
  readonly entries: number;
}

export const UNPACK_LIMITS: UnpackLimits = { layerBytes: 16 * 2 ** 30, ratio: 200, ratioFromBytes: 128 * 2 ** 20, entries: 1_000_000 };

const CHUNK = 256 * 1024;

const decompressed = (layer: Descriptor, blob: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) return fail('ERR_MANIFEST_INVALID', `layer ${layer.digest}: ${layer.mediaType} is not the media type of a layer`);
  if (compression === 'none') return blob;
  if (compression === 'zstd' && typeof zlib.createZstdDecompress !== 'function')
    return fail('ERR_MANIFEST_INVALID', `layer ${layer.digest} is packed with zstd, which this Node cannot read`, { fix: 'Use Node 22.15 or newer.' });
  const unpacker = compression === 'gzip' ? zlib.createGunzip({ chunkSize: CHUNK }) : zlib.createZstdDecompress({ chunkSize: CHUNK });
  const source = Readable.from(blob, { objectMode: false });
  // An error of the blob must reach whoever reads the tar.
  source.once('error', (error) => unpacker.destroy(error));
  unpacker.once('close', () => source.destroy());
  return source.pipe(unpacker);
};

/**
 * The tar of a layer as a stream. It is checked on the way: the blob against its digest (by the source), the growth against the limits, and at the
 * end the tar against the config's diff id.
 * @throws ERR_LAYER_UNSAFE for a bomb, ERR_DIGEST_MISMATCH, ERR_MANIFEST_INVALID and whatever the source throws
 */
export async function* tarBytes(source: ContentSource, layer: Descriptor, diffId: Digest, limits: UnpackLimits): AsyncGenerator<Uint8Array, void, void> {
  const hash = createSha256();
  try {
    for await (const chunk of decompressed(layer, source.openBlob(layer))) {
      hash.update(chunk);
      if (hash.size > limits.layerBytes) fail('ERR_LAYER_UNSAFE', `layer ${layer.digest} unpacks to more than ${limits.layerBytes} bytes`);
      if (hash.size > limits.ratioFromBytes && hash.size > layer.size * limits.ratio)
        fail('ERR_LAYER_UNSAFE', `layer ${layer.digest} unpacks to more than ${limits.ratio} times its ${layer.size} bytes`);
      yield chunk;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ZSTD_'))) {
      // An altered blob fails here, before all of it was hashed. The source tells that it was altered if it is read to its end.
      for await (const _ of source.openBlob(layer, { lent: true }));
      fail('ERR_MANIFEST_INVALID', `layer ${layer.digest} is not what its media type ${layer.mediaType} says: ${(error as Error).message}`, { cause: error });
    }
    throw error;
  }
  const actual = hash.digest();
  if (actual !== diffId) fail('ERR_DIGEST_MISMATCH', `layer ${layer.digest} unpacks to ${actual}; the image's config says ${diffId}`);
}
