import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestHex, fail, type Digest, type Platform } from '@pinlane/contracts';
import { createTurns, interruptible, sha256, type ContentSource } from '../content/index.ts';
import { platformOfImage, readImage, type PlatformImage } from '../image/index.ts';
import { decodeName, fsPath } from '../layer/names.ts';
import { whileIntact } from '../layer/read-layer.ts';
import { tarBytes, UNPACK_LIMITS, type UnpackLimits } from '../layer/tar-bytes.ts';
import { applyLayer } from './apply-layer.ts';
import { statOf } from './resolve.ts';
import { openTrees, type Remove, type Site } from './trees.ts';

/** Raised when the same image unpacks to another tree than before. */
const FORMAT = 4;
/** In bytes. The topmost layer of at least this size ends the base, which is kept as a tree of its own; the layers over it are the app. */
const BASE_LAYER_BYTES = 4 * 2 ** 20;
/** How many chunks of a layer's tar are read while the layer below is still being applied: 32 MiB, since a chunk has up to 256 KiB. */
const CHUNKS_AHEAD = 128;
/** Folders that a runtime mounts over, in a root that it can't write to. */
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
  /** Breaks the work off; what it made is removed. */
  readonly signal?: AbortSignal | undefined;
  /** Removes what is not needed any more; by this process and to the end if absent. */
  readonly remove?: Remove | undefined;
}

/** What all layers of an image are unpacked with. */
interface Unpacking {
  readonly source: ContentSource;
  readonly limits: UnpackLimits;
  readonly signal: AbortSignal | undefined;
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

/** A layer's tar, whose first chunks are read before anybody asks for them. */
const startTar = ({ source, limits }: Unpacking, { descriptor, diffId }: Layer): Readable => {
  const tar = Readable.from(tarBytes(source, descriptor, diffId, limits), { highWaterMark: CHUNKS_AHEAD });
  // Whoever reads it gets the error. If nobody does, a lower layer has failed, and that error counts.
  tar.on('error', () => {});
  tar.read(0);
  return tar;
};

/**
 * Makes a copy of a tree that shares the bytes of its files by hard links; folders and links are its own. A file of the
 * copy may be replaced, but never written to or chmodded.
 */
const linkTree = async (from: string, to: string, turn: () => Promise<void>): Promise<void> => {
  mkdirSync(fsPath(to));
  // The umask takes bits from the mode that mkdir is given.
  chmodSync(fsPath(to), statOf(from)!.mode & 0o1777);
  for (const name of readdirSync(fsPath(from), { encoding: 'buffer' }).map(decodeName)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const stat = statOf(source)!;
    await turn();
    if (stat.isDirectory()) await linkTree(source, target, turn);
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(source), { encoding: 'buffer' }), fsPath(target));
    else linkSync(fsPath(source), fsPath(target));
  }
};

/** Applies layers over a tree that may be shared, or over an empty one. */
const stack =
  (unpacking: Unpacking, lower: string | undefined, layers: readonly Layer[]) =>
  async (site: Site): Promise<void> => {
    const { source, limits, signal } = unpacking;
    await source.bring?.(layers.map(({ descriptor }) => descriptor));
    if (lower === undefined) mkdirSync(site.root);
    else await linkTree(lower, site.root, createTurns(signal));
    chmodSync(site.root, 0o755);
    let next = layers[0] === undefined ? undefined : startTar(unpacking, layers[0]);
    try {
      for (const [at, { descriptor }] of layers.entries()) {
        const tar = next as Readable;
        const following = layers[at + 1];
        next = following === undefined ? undefined : startTar(unpacking, following);
        await whileIntact(source, descriptor, () => applyLayer(site, descriptor.digest, tar, { maxEntries: limits.entries, signal }));
      }
    } finally {
      next?.destroy();
    }
  };

/**
 * Unpacks an image by digest (an index's or a manifest's) for one platform. Trees are kept under the digests of their layers. The base has a
 * tree of its own, so that only the app is unpacked after a change of the app. Every byte is checked against its digest on the way; a finished tree
 * is not checked again. Nothing is left of a tree that was not finished.
 * @throws ERR_CANCELLED, ERR_LAYER_UNSAFE, ERR_PLATFORM_MISSING, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const unpackImage = async (from: ContentSource, digest: Digest, options: UnpackOptions): Promise<UnpackedImage> => {
  const { signal } = options;
  const source = interruptible(from, signal);
  const unpacking: Unpacking = { source, limits: { ...UNPACK_LIMITS, ...options.limits }, signal };
  const image = platformOfImage(await readImage(source, digest, { platforms: [options.platform] }), options.platform);
  const trees = openTrees(options.cacheDir, options.remove);
  const layers = layersOf(image);
  const name = nameOf(layers, true);
  const found = await trees.find(name);
  if (found !== undefined) return { rootfs: found, image };

  const baseLength = layers.findLastIndex(({ descriptor }) => descriptor.size >= BASE_LAYER_BYTES) + 1;
  const base = layers.slice(0, baseLength);
  const baseName = nameOf(base, false);
  const lower = base.length === 0 ? undefined : ((await trees.find(baseName)) ?? (await trees.make(baseName, stack(unpacking, undefined, base))));
  const app = stack(unpacking, lower, layers.slice(baseLength));
  const rootfs = await trees.make(name, async (site) => {
    await app(site);
    addMountPoints(site.root, image.descriptor.digest);
  });
  await trees.prune(signal);
  return { rootfs, image };
};
