import type { Digest, Platform, RunnableImage } from '@pinlane/contracts';
import { removeTree } from '@pinlane/adapters';
import { imageArchive, interruptible, platformOfImage, readImage, unpackImage, type ContentSource } from '@pinlane/oci';

/**
 * Reads an image for one platform, by the digest of its index or its manifest. It is unpacked when a runtime first asks for its root file
 * system, and archived each time that one asks for an archive. The signal ends each of them.
 * @throws ERR_CANCELLED, ERR_PLATFORM_MISSING, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const runnableImage = async (
  from: ContentSource,
  digest: Digest,
  {
    name,
    platform,
    cacheDir,
    signal,
  }: { readonly name: string; readonly platform: Platform; readonly cacheDir: string; readonly signal?: AbortSignal | undefined },
): Promise<RunnableImage> => {
  const source = interruptible(from, signal);
  const remove = (folder: string) => removeTree(folder, { signal });
  const image = platformOfImage(await readImage(source, digest, { platforms: [platform] }), platform);
  let unpacked: Promise<string> | undefined;
  return {
    name,
    platform,
    digest: image.descriptor.digest,
    configDigest: image.manifest.config.digest,
    config: image.config.config ?? {},
    rootfs: () => (unpacked ??= unpackImage(source, image.descriptor.digest, { platform, cacheDir, signal, remove }).then(({ rootfs }) => rootfs)),
    archive: (as) => imageArchive(source, image, as),
  };
};
