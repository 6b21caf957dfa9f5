import { ARCHITECTURES, digestSchema, isPinlaneError, platformOf, type Digest, type PinnedReference, type ProcessorSpec } from '@pinlane/contracts';
import { readImage, type ContentSource, type PlatformImage } from '@pinlane/oci';
import { explainChange, pinsOf, renderCauses, type ImageSketch, type PinFacts } from '@pinlane/pipeline';
import { openLocation, type ImageLocations } from '../../images/locations.ts';
import { claimedFingerprint } from '../../images/seen-image.ts';

const sketchOf = (image: PlatformImage): ImageSketch => {
  const { manifest, config, descriptor } = image;
  const history = config.history ?? [];
  const labels = config.config?.Labels ?? {};
  return {
    fingerprint: claimedFingerprint(image),
    base: digestSchema.safeParse(labels['org.opencontainers.image.base.digest']).data ?? null,
    mediaTypes: [descriptor.mediaType, manifest.config.mediaType, ...manifest.layers.map(({ mediaType }) => mediaType)],
    times: [config.created ?? '', ...history.map(({ created }) => created ?? '')],
    layers: manifest.layers.map(({ digest }, at) => ({ digest, diffId: config.rootfs.diff_ids[at] as Digest })),
    buildKit: history.some(({ comment }) => comment?.startsWith('buildkit') === true),
    execution: JSON.stringify(config.config ?? {}),
  };
};

const read = async (location: ContentSource, digest: Digest): Promise<ImageSketch | null> => {
  const [image] = (await readImage(location, digest)).platforms;
  return image === undefined ? null : sketchOf(image);
};

/** The image that was pinned before; null if it can't be read any more, which must not keep a pin from being written. */
const readBefore = async (pin: PinnedReference, locations: ImageLocations): Promise<ImageSketch | null> => {
  try {
    return await read(openLocation(pin, locations), pin.digest);
  } catch (thrown) {
    if (locations.access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    return null;
  }
};

/** Why images have other digests than the pinned ones although the fingerprint is the same: one line for each cause and platform. */
export const explainPins = async (spec: ProcessorSpec, image: PinnedReference, facts: PinFacts, locations: ImageLocations): Promise<string[]> => {
  if (facts.fingerprint === null || facts.fingerprint !== spec.image?.source?.fingerprint) return [];
  const pins = pinsOf(spec);
  const lines = ARCHITECTURES.map(async (architecture) => {
    const [pin, digest] = [pins[architecture], facts.platforms[architecture]];
    if (pin === undefined || digest === undefined || pin.digest === digest) return [];
    const [before, after] = await Promise.all([readBefore(pin, locations), read(openLocation(image, locations), digest)]);
    const causes =
      before === null || after === null ? ['unknown: the image that was pinned can not be read any more'] : renderCauses(explainChange(before, after));
    return causes.map((cause) => `${platformOf(architecture)} changed, source unchanged: ${cause}`);
  });
  return (await Promise.all(lines)).flat();
};
