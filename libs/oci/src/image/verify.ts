import { fail, type Digest, type Platform } from '@pinlane/contracts';
import { uniqueBlobs, type BlobDescriptor, type ContentSink, type ContentSource } from '../content/index.ts';
import { readImage, type ImageView } from './read.ts';

export interface VerifyOptions {
  /** Platforms that must be there; without it those that are there are verified, at least one. */
  readonly platforms?: readonly Platform[];
  /** `present`: layers are there with the right size. `hashed`: every byte is read and hashed. */
  readonly blobs?: 'present' | 'hashed';
  /** With `hashed`: layers that were hashed before, of which only the presence counts; those that are hashed now are added. */
  readonly known?: Set<Digest>;
}

/**
 * Proves that an image is what its digest claims: manifests and configs are fetched and hashed, each platform's is checked as `readImage` does,
 * and its layers are there.
 * @throws what `readImage` throws; for a layer that is not there ERR_STORE_CORRUPT or ERR_BLOB_UNKNOWN, as the source says
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

/** The source knows best why it does not have a blob: asked for its bytes, it says so. */
const explainAbsence = async (source: ContentSource, layer: BlobDescriptor, image: Digest): Promise<never> => {
  for await (const _ of source.openBlob(layer)) break;
  return fail('ERR_BLOB_UNKNOWN', `layer ${layer.digest} of image ${image} is not there`);
};
