import type { Digest, Platform, RunnableImage } from '@pinlane/contracts';
import { imageArchive, platformOfImage, readImage, unpackImage, type ContentSource } from '@pinlane/oci';

/**
 * An image by digest (an index's or a manifest's), read for one platform and ready for whatever runs it: unpacked once, where a runtime asks
 * for that, and archived as often as one asks.
 * @throws ERR_PLATFORM_MISSING, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const runnableImage = async (
  source: ContentSource,
  digest: Digest,
  { name, platform, cacheDir }: { readonly name: string; readonly platform: Platform; readonly cacheDir: string },
): Promise<RunnableImage> => {
  const image = platformOfImage(await readImage(source, digest, { platforms: [platform] }), platform);
  let unpacked: Promise<string> | undefined;
  return {
    name,
    platform,
    digest: image.descriptor.digest,
    configDigest: image.manifest.config.digest,
    config: image.config.config ?? {},
    rootfs: () => (unpacked ??= unpackImage(source, image.descriptor.digest, { platform, cacheDir }).then(({ rootfs }) => rootfs)),
    archive: (as) => imageArchive(source, image, as),
  };
};
