import { fail, type Digest } from '@pinlane/contracts';
import { createSha256, layerCompression, type BlobSource, type Descriptor } from '../content/index.ts';
import { decompressed, hasZstd } from './decompress.ts';
import { PackingError } from './packing-error.ts';

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

const unpacked = (layer: Descriptor, blob: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) return fail('ERR_MANIFEST_INVALID', `layer ${layer.digest}: ${layer.mediaType} is not the media type of a layer`);
  if (compression === 'none') return blob;
  if (compression === 'zstd' && !hasZstd())
    return fail('ERR_MANIFEST_INVALID', `layer ${layer.digest} is packed with zstd, which this Node cannot read`, { fix: 'Use Node 22.15 or newer.' });
  return decompressed(compression, blob);
};

/**
 * The tar of a layer as a stream. It is checked on the way: the blob against its digest (by the source), the growth against the limits, and at the
 * end the tar against the config's diff id.
 * @throws ERR_LAYER_UNSAFE for a bomb, ERR_DIGEST_MISMATCH, ERR_MANIFEST_INVALID and whatever the source throws
 */
export async function* tarBytes(source: BlobSource, layer: Descriptor, diffId: Digest, limits: UnpackLimits): AsyncGenerator<Uint8Array, void, void> {
  const hash = createSha256();
  try {
    for await (const chunk of unpacked(layer, source.openBlob(layer))) {
      hash.update(chunk);
      if (hash.size > limits.layerBytes) fail('ERR_LAYER_UNSAFE', `layer ${layer.digest} unpacks to more than ${limits.layerBytes} bytes`);
      if (hash.size > limits.ratioFromBytes && hash.size > layer.size * limits.ratio)
        fail('ERR_LAYER_UNSAFE', `layer ${layer.digest} unpacks to more than ${limits.ratio} times its ${layer.size} bytes`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof PackingError)
      fail('ERR_MANIFEST_INVALID', `layer ${layer.digest} is not what its media type ${layer.mediaType} says: its bytes ${error.why}`, { cause: error });
    throw error;
  }
  const actual = hash.digest();
  if (actual !== diffId) fail('ERR_DIGEST_MISMATCH', `layer ${layer.digest} unpacks to ${actual}; the image's config says ${diffId}`);
}
