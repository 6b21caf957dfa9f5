import { ARCHITECTURES, digestSchema, isPinlaneError, platformOf, type Digest, type PinnedReference, type ProcessorSpec } from '@pinlane/contracts';
import { readImage, type ContentSource, type PlatformImage } from '@pinlane/oci';
import { explainChange, pinsOf, renderCauses, type ImageSketch, type PinFacts } from '@pinlane/pipeline';
import { openImagePlace } from './image-source.ts';
import { claimedFingerprint, type VerifySite } from './pin-image.ts';

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

const read = async (place: ContentSource, digest: Digest): Promise<ImageSketch | null> => {
  const [image] = (await readImage(place, digest)).platforms;
  return image === undefined ? null : sketchOf(image);
};

/** The image that was pinned before may be gone, and what can't be read now explains nothing: neither keeps a pin from being written. */
const readBefore = async (pin: PinnedReference, { store, access }: VerifySite): Promise<ImageSketch | null> => {
  try {
    return await read(openImagePlace(pin, store, access), pin.digest);
  } catch (thrown) {
    if (!isPinlaneError(thrown) || thrown.code === 'ERR_CANCELLED') throw thrown;
    return null;
  }
};

/** Why images have other digests than those that are pinned although the fingerprint is the same: one line for each cause and platform. */
export const explainPins = async (spec: ProcessorSpec, image: PinnedReference, facts: PinFacts, site: VerifySite): Promise<string[]> => {
  if (facts.fingerprint === null || facts.fingerprint !== spec.image?.source?.fingerprint) return [];
  const pins = pinsOf(spec);
  const lines = ARCHITECTURES.map(async (architecture) => {
    const [pin, digest] = [pins[architecture], facts.platforms[architecture]];
    if (pin === undefined || digest === undefined || pin.digest === digest) return [];
    const [before, after] = await Promise.all([readBefore(pin, site), read(openImagePlace(image, site.store, site.access), digest)]);
    const causes =
      before === null || after === null ? ['unknown: the image that was pinned can not be read any more'] : renderCauses(explainChange(before, after));
    return causes.map((cause) => `${platformOf(architecture)} changed, source unchanged: ${cause}`);
  });
  return (await Promise.all(lines)).flat();
};
