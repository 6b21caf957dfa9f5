import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { architectureOf, fail, type Architecture, type Digest, type Platform } from '@pinlane/contracts';
import {
  composeIndex,
  openStore,
  parseLayoutIndex,
  platformOfImage,
  readImage,
  tarBytes,
  UNPACK_LIMITS,
  type ContentSource,
  type Descriptor,
  type PlatformImage,
} from '@pinlane/oci';
import { reissueIndex } from './reissue-index.ts';
import { clampImage, type BuiltLayer, type ClampTarget } from './clamp-image.ts';

/** An image in the store: every platform's manifest, and the index over them. */
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

// The user's own builder is no attacker: what it made may be large, and may shrink well.
const LIMITS = { ...UNPACK_LIMITS, layerBytes: Infinity, ratio: Infinity };

const layersOf = (source: ContentSource, { manifest, config }: PlatformImage): BuiltLayer[] =>
  manifest.layers.map((layer, at) => {
    const diffId = config.rootfs.diff_ids[at]!;
    return { diffId, tar: () => tarBytes(source, layer, diffId, LIMITS) };
  });

/**
 * Takes an image that a builder wrote as an OCI layout into the store, with fixed times, see `clampImage`. Every byte is hashed, each config must be for the
 * platform that it is listed for, and there must be exactly one manifest for each platform that was asked for; attestations (`unknown/unknown`) are no
 * platforms. The index is composed of the platforms, so that it depends on them alone; `keepIndex` keeps the builder's, for what it lists besides.
 * @throws ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH, ERR_STORE_CORRUPT, ERR_CANCELLED
 */
export const importLayout = async (
  folder: string,
  target: ClampTarget,
  platforms: readonly Platform[],
  { keepIndex }: { readonly keepIndex: boolean },
): Promise<ImportedImage> => {
  const { store } = target;
  const source = openStore(folder);
  const { digest } = await onlyImage(folder);
  const view = await readImage(source, digest, { platforms });
  const more = [...view.platforms.filter(({ platform }) => !platforms.includes(platform)).map(({ platform }) => platform), ...view.others.map(() => 'another')];
  if (more.length > 0) fail('ERR_MANIFEST_INVALID', `the builder made the image for ${more.join(', ')}, which was not asked for`);
  const reissued = new Map<Digest, Descriptor>();
  const children: Partial<Record<Architecture, Descriptor>> = {};
  for (const image of platforms.map((platform) => platformOfImage(view, platform))) {
    const { config, configBytes, manifest, descriptor } = image;
    const clamped = await clampImage({ configBytes, layers: layersOf(source, image), annotations: manifest.annotations }, target);
    reissued.set(descriptor.digest, clamped);
    children[architectureOf(image.platform)] = { ...clamped, platform: { architecture: config.architecture, os: config.os } };
  }
  if (keepIndex && view.kind === 'index') return { platforms: children, index: await reissueIndex(source, digest, store, reissued) };
  const { bytes, descriptor } = composeIndex(Object.values(children));
  await store.putManifest(descriptor, bytes);
  return { platforms: children, index: descriptor };
};
