import type { Architecture, Digest } from '@pinlane/contracts';
import { sha256 } from '@pinlane/oci';
import { imageOf, layerOf, platformImage, type PlatformImage, type TestImage } from '@pinlane/testing';

/** An image for both platforms. */
export interface ProcessorImage extends TestImage {
  readonly amd64: PlatformImage;
  readonly arm64: PlatformImage;
}

/** What an image says of itself: the processor it is of, and what it was built from. */
export const labelsOf = (slug: string, fingerprint: Digest): Record<string, string> => ({
  'org.opencontainers.image.title': slug,
  'dev.pinlane.fingerprint': fingerprint,
});

/** One platform's image, with a layer without files, which those of equal marks share. */
export const makePlatform = (architecture: Architecture, labels: Readonly<Record<string, string>>, mark = ''): PlatformImage =>
  platformImage(architecture, [layerOf(Buffer.concat([Buffer.alloc(1024), Buffer.from(mark)]), { gzip: true })], { Labels: labels });

/** The image of both platforms. */
export const joined = (amd64: PlatformImage, arm64: PlatformImage): ProcessorImage => ({ ...imageOf([amd64, arm64]), amd64, arm64 });

/** An image of a processor; `mark` makes one that differs. */
export const makeImage = (slug: string, mark = ''): ProcessorImage => {
  const labels = labelsOf(slug, sha256(Buffer.from(`${slug} ${mark}`)));
  return joined(makePlatform('amd64', labels, mark), makePlatform('arm64', labels, mark));
};
