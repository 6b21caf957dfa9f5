import { fail, type Digest, type Platform } from '@pinlane/contracts';
import { uniqueBlobs, type BlobDescriptor, type ContentSink, type ContentSource } from '../content/index.ts';
import { readImage, type ImageView } from './read.ts';

export interface VerifyOptions {
  /** Platforms that must be there, and are verified. If they are left out, all that are there are verified, at least one. */
  readonly platforms?: readonly Platform[];
  /** What is checked of layers. `present`, the default: they are there with the right size. `hashed`: every byte is read and hashed. */
  readonly blobs?: 'present' | 'hashed';
  /** With `hashed`: layers that were hashed before, which only have to be there; those that are hashed now are added. */
  readonly known?: Set<Digest>;
}

/**
 * Proves that an image is whole: its manifests and configs are what `readImage` asks for, and its layers are there.
 * @throws what `readImage` throws; ERR_BLOB_UNKNOWN or ERR_STORE_CORRUPT for a layer that is not there or is damaged
 */
export const verifyImage = async (
  source: ContentSource & Pick<ContentSink, 'hasBlob'>,
  digest: Digest,
  { platforms, blobs = 'present', known = new Set() }: VerifyOptions = {},
): Promise<ImageView> => {
  const view = await readImage(source, digest, platforms === undefined ? {} : { platforms });
  for (const layer of uniqueBlobs(view.platforms.flatMap(({ manifest }) => manifest.layers))) {
    if (blobs === 'hashed' && !known.has(layer.digest)) {
      for await (const _ of source.openBlob(layer, { lent: true }));
      known.add(layer.digest);
    } else if (!(await source.hasBlob(layer))) await explainAbsence(source, layer, digest);
  }
  return view;
};

/** Says why a layer is not there: a source that is asked for its bytes throws the reason. */
const explainAbsence = async (source: ContentSource, layer: BlobDescriptor, image: Digest): Promise<never> => {
  for await (const _ of source.openBlob(layer)) break;
  return fail('ERR_BLOB_UNKNOWN', `layer ${layer.digest} of image ${image} is not there`);
};
