import { digestSchema, type Digest } from '@pinlane/contracts';
import type { PlatformImage } from '@pinlane/oci';
import { FINGERPRINT_LABEL, type SeenImage } from '@pinlane/pipeline';

/** What an image says it was built from; null if it says nothing that can be believed. */
export const claimedFingerprint = ({ config }: PlatformImage): Digest | null => {
  const said = digestSchema.safeParse(config.config?.Labels?.[FINGERPRINT_LABEL]);
  return said.success ? said.data : null;
};

/** A verified image as judgements see it. */
export const seenImage = (image: PlatformImage): SeenImage => ({
  digest: image.descriptor.digest,
  platform: image.platform,
  fingerprint: claimedFingerprint(image),
  title: image.config.config?.Labels?.['org.opencontainers.image.title'] ?? null,
});
