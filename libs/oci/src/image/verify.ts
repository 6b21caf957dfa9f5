import { fail, type Digest, type Platform } from '@pinlane/contracts';
import { inParallel, uniqueBlobs, type BlobDescriptor, type ContentSink, type ContentSource, type LeavingSource } from '../content/index.ts';
import { readImage, type ImageView } from './read.ts';

/** How many layers registries are asked for at once. */
const ASKED_AT_ONCE = 6;

/** Layers that need not be looked at again. */
export interface KnownLayers {
  /** Asked of a layer before it is looked at. */
  has(layer: Digest): boolean;
  /** Told of a layer that was looked at and is good. */
  add(layer: Digest): unknown;
}

export interface VerifyOptions {
  /** Platforms that must be there, and are verified. If they are left out, all that are there are verified, at least one. */
  readonly platforms?: readonly Platform[];
  /**
   * What is checked of layers. `present`, the default: they are there with the right size. `hashed`: every byte is read and hashed. Of a layer that the source has
   * left in a registry, that registry is asked either way, and it is not fetched: its bytes are hashed whenever they come here.
   */
  readonly blobs?: 'present' | 'hashed';
  /** With `hashed`: layers that were hashed, or found in their registry, before; those of now are added. */
  readonly known?: KnownLayers;
}

/**
 * Proves that an image is whole: its manifests and configs are what `readImage` asks for, and its layers are there.
 * @throws what `readImage` throws; ERR_BLOB_UNKNOWN, ERR_LAYER_GONE or ERR_STORE_CORRUPT for a layer that is not there or is damaged
 */
export const verifyImage = async (
  source: ContentSource & Pick<ContentSink, 'hasBlob'> & Partial<Pick<LeavingSource, 'isElsewhere'>>,
  digest: Digest,
  { platforms, blobs = 'present', known = new Set<Digest>() }: VerifyOptions = {},
): Promise<ImageView> => {
  const view = await readImage(source, digest, platforms === undefined ? {} : { platforms });
  const layers = uniqueBlobs(view.platforms.flatMap(({ manifest }) => manifest.layers));
  // All are asked for at once, each with one question: a registry far away takes as long for one as for six.
  const states = await inParallel(layers, ASKED_AT_ONCE, async (layer): Promise<'there' | 'unread' | 'absent'> => {
    if (known.has(layer.digest)) return 'there';
    if (await source.isElsewhere?.(layer)) return (known.add(layer.digest), 'there');
    if (blobs === 'hashed') return 'unread';
    return (await source.hasBlob(layer)) ? 'there' : 'absent';
  });
  for (const [at, layer] of layers.entries()) {
    if (states[at] === 'absent') await explainAbsence(source, layer, digest);
    if (states[at] !== 'unread') continue;
    for await (const _ of source.openBlob(layer, { lent: true }));
    known.add(layer.digest);
  }
  return view;
};

/** Says why a layer is not there: a source that is asked for its bytes throws the reason. */
const explainAbsence = async (source: ContentSource, layer: BlobDescriptor, image: Digest): Promise<never> => {
  for await (const _ of source.openBlob(layer)) break;
  return fail('ERR_BLOB_UNKNOWN', `layer ${layer.digest} of image ${image} is not there`);
};
