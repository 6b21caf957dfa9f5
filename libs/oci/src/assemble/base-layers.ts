import type { Digest } from '@pinlane/contracts';
import type { ContentSource, Descriptor } from '../content/index.ts';
import { readImage } from '../image/index.ts';
import { asOci } from './bases.ts';

/** Layers by the digests of their tars, each as an image that others are built on has it. */
export type BaseLayers = ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly source: ContentSource }>;

/** The layers of images, of all their platforms. @throws what `readImage` throws */
export const readBaseLayers = async (bases: Iterable<{ readonly source: ContentSource; readonly digest: Digest }>): Promise<BaseLayers> => {
  const found = new Map<Digest, { descriptor: Descriptor; source: ContentSource }>();
  for (const { source, digest } of bases)
    for (const { manifest, config } of (await readImage(source, digest)).platforms)
      for (const [at, layer] of manifest.layers.entries()) found.set(config.rootfs.diff_ids[at]!, { descriptor: asOci(layer), source });
  return found;
};
