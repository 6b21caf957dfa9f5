import { runnableImage } from '@pinlane/conformance';
import { parsePinnedReference, type Lane, type Platform, type RunnableImage } from '@pinlane/contracts';
import { openLocation, openLocations } from '../images/locations.ts';
import { workspacePaths } from '../workspace/paths.ts';

/** What an image is opened with, in any process. */
export interface ImageOrder {
  readonly root: string;
  readonly lane: Lane;
  readonly slug: string;
  /** The platform manifest, by digest. */
  readonly image: string;
  readonly platform: Platform;
  readonly insecureRegistries: readonly string[];
  /** The folder that it is unpacked below. */
  readonly roots: string;
}

/** Opens a platform's image from the store or the registry that its reference names; it is unpacked when a runtime asks for it. */
export const openImage = ({ root, lane, slug, image, platform, insecureRegistries, roots }: ImageOrder, signal: AbortSignal): Promise<RunnableImage> => {
  const locations = openLocations(workspacePaths(root, lane), { insecureRegistries: new Set(insecureRegistries), signal });
  const reference = parsePinnedReference(image);
  return runnableImage(openLocation(reference, locations), reference.digest, {
    ...{ name: slug, platform, cacheDir: roots, signal },
  });
};
