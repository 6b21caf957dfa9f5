import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { architectureOf, fail, type Architecture, type Platform } from '@pinlane/contracts';
import { composeIndex, copyImage, openStore, parseLayoutIndex, platformOfImage, readImage, type Descriptor, type Store } from '@pinlane/oci';

/** What was built, in the store: every platform's manifest, and the index over them. */
export interface ImportedImage {
  readonly platforms: Partial<Record<Architecture, Descriptor>>;
  readonly index: Descriptor;
}

/** The one image that a builder wrote into a layout. @throws ERR_MANIFEST_INVALID */
const onlyImage = async (folder: string): Promise<Descriptor> => {
  const bytes = await readFile(join(folder, 'index.json')).catch((cause: unknown) =>
    fail('ERR_MANIFEST_INVALID', 'the builder wrote no OCI layout', { cause }),
  );
  const { manifests } = parseLayoutIndex(bytes);
  const digests = new Set(manifests.map(({ digest }) => digest));
  return digests.size === 1 ? manifests[0]! : fail('ERR_MANIFEST_INVALID', `the builder wrote ${digests.size} images, and one was asked for`);
};

/**
 * Takes an image that a builder wrote as an OCI layout into the store. Every byte is hashed, each config is for the platform it is listed for, there is
 * exactly one manifest for each platform that was asked for, and attestations (`unknown/unknown`) are no platforms. Unless the builder's own index is to
 * be kept, for what it lists besides, one is composed of the platforms, so that it depends on them alone.
 * @throws ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH, ERR_STORE_CORRUPT, ERR_CANCELLED
 */
export const importLayout = async (
  folder: string,
  store: Store,
  platforms: readonly Platform[],
  { keepIndex, signal }: { readonly keepIndex: boolean; readonly signal: AbortSignal },
): Promise<ImportedImage> => {
  const source = openStore(folder);
  const { digest } = await onlyImage(folder);
  const view = await readImage(source, digest, { platforms });
  const more = [...view.platforms.filter(({ platform }) => !platforms.includes(platform)).map(({ platform }) => platform), ...view.others.map(() => 'another')];
  if (more.length > 0) fail('ERR_MANIFEST_INVALID', `the builder made the image for ${more.join(', ')}, which was not asked for`);
  const children = platforms.map((platform) => platformOfImage(view, platform).descriptor);
  const byArchitecture = Object.fromEntries(platforms.map((platform, at) => [architectureOf(platform), children[at]!]));
  if (keepIndex && view.kind === 'index') return { platforms: byArchitecture, index: await copyImage(source, store, digest, { signal }) };
  for (const child of children) await copyImage(source, store, child.digest, { signal });
  const { bytes, descriptor } = composeIndex(children);
  await store.putManifest(descriptor, bytes);
  return { platforms: byArchitecture, index: descriptor };
};
