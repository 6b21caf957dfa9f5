import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestHex, fail, type Digest, type Platform } from '@pinlane/contracts';
import { sha256, type ContentSource } from '../content/index.ts';
import { platformOfImage, readImage, type PlatformImage } from '../image/index.ts';
import { applyLayer } from './apply-layer.ts';
import { linkTree } from './link-tree.ts';
import { statOf } from './resolve.ts';
import { tarBytes, UNPACK_LIMITS, type UnpackLimits } from './tar-bytes.ts';
import { openTrees } from './trees.ts';

/** Raise this when the same image would unpack to another tree. */
const FORMAT = 2;
/** A layer of this size or more is worth keeping as a tree of its own: that is a base; the layers over it are the app. */
const BASE_LAYER_BYTES = 4 * 2 ** 20;
/** How many bytes of a layer's tar are unpacked while the layer below is still being applied. */
const AHEAD_BYTES = 32 * 2 ** 20;
/** Folders over which a runtime mounts, on a root that it can't write to. */
const MOUNT_POINTS = ['artifacts', 'dev', 'proc', 'tmp'];

/** An image of one platform, unpacked. The tree is shared and must never be written to. */
export interface UnpackedImage {
  readonly rootfs: string;
  readonly image: PlatformImage;
}

export interface UnpackOptions {
  readonly platform: Platform;
  /** Where finished trees are kept. */
  readonly cacheDir: string;
  readonly limits?: Partial<UnpackLimits>;
}

type Layer = { readonly descriptor: PlatformImage['manifest']['layers'][number]; readonly diffId: Digest };

const nameOf = (layers: readonly Layer[], final: boolean): string =>
  digestHex(sha256(JSON.stringify([FORMAT, final, ...layers.map(({ descriptor, diffId }) => [descriptor.mediaType, descriptor.digest, diffId])])));

const layersOf = ({ manifest, config }: PlatformImage): Layer[] =>
  manifest.layers.map((descriptor, at) => ({ descriptor, diffId: config.rootfs.diff_ids[at] as Digest }));

const addMountPoints = (root: string, digest: Digest): void => {
  for (const name of MOUNT_POINTS) {
    const path = join(root, name);
    if (!existsSync(path) && statOf(path) === undefined) mkdirSync(path, 0o755);
    else if (!statOf(path)?.isDirectory()) fail('ERR_LAYER_UNSAFE', `image ${digest}: /${name} is not a folder, so nothing can be mounted there`);
  }
};

/** A layer's tar, of which the first part is there before it is asked for. */
const startTar = (source: ContentSource, { descriptor, diffId }: Layer, limits: UnpackLimits): Readable => {
  const tar = Readable.from(tarBytes(source, descriptor, diffId, limits), { objectMode: false, highWaterMark: AHEAD_BYTES });
  // Whoever reads it is told of an error that came before; where nobody does, a lower layer's error counts.
  tar.on('error', () => {});
  tar.read(0);
  return tar;
};

/** Applies layers over a tree that may be shared; the empty tree where there is none. */
const stack =
  (source: ContentSource, lower: string | undefined, layers: readonly Layer[], limits: UnpackLimits) =>
  async (folder: string): Promise<void> => {
    if (lower === undefined) mkdirSync(folder);
    else linkTree(lower, folder);
    chmodSync(folder, 0o755);
    let next = layers[0] === undefined ? undefined : startTar(source, layers[0], limits);
    try {
      for (const [at, { descriptor }] of layers.entries()) {
        const tar = next as Readable;
        const following = layers[at + 1];
        next = following === undefined ? undefined : startTar(source, following, limits);
        await applyLayer(folder, descriptor.digest, tar, limits.entries);
      }
    } finally {
      next?.destroy();
    }
  };

/**
 * Unpacks an image by digest (an index's or a manifest's) for one platform. Trees are kept by their layers, and the base's
 * layers have a tree of their own, so that a change of the app unpacks only the app. Every byte is checked against its
 * digest on the way; a tree that is found finished is not checked again.
 * @throws ERR_LAYER_UNSAFE, ERR_PLATFORM_MISSING, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const unpackImage = async (source: ContentSource, digest: Digest, options: UnpackOptions): Promise<UnpackedImage> => {
  const limits = { ...UNPACK_LIMITS, ...options.limits };
  const image = platformOfImage(await readImage(source, digest, { platforms: [options.platform] }), options.platform);
  const trees = openTrees(options.cacheDir);
  const layers = layersOf(image);
  const name = nameOf(layers, true);
  const found = await trees.find(name);
  if (found !== undefined) return { rootfs: found, image };

  const baseLength = layers.findLastIndex(({ descriptor }) => descriptor.size >= BASE_LAYER_BYTES) + 1;
  const base = layers.slice(0, baseLength);
  const baseName = nameOf(base, false);
  const lower = base.length === 0 ? undefined : ((await trees.find(baseName)) ?? (await trees.make(baseName, stack(source, undefined, base, limits))));
  const app = stack(source, lower, layers.slice(baseLength), limits);
  const rootfs = await trees.make(name, async (folder) => {
    await app(folder);
    addMountPoints(folder, image.descriptor.digest);
  });
  await trees.prune();
  return { rootfs, image };
};
