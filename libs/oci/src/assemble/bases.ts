import { fail, type Digest, type Platform, type Progress } from '@pinlane/contracts';
import {
  DOCKER_LAYER,
  DOCKER_LAYER_GZIP,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  readingOnce,
  stopIfAborted,
  uniqueBlobs,
  whileWanted,
  type ContentSource,
  type Descriptor,
  type ImageConfig,
} from '../content/index.ts';
import { platformOfImage, readImage } from '../image/index.ts';
import type { Layer, LayerCache, LayerListing } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import { once } from '../layer/once.ts';
import { applyListing } from './apply-listing.ts';
import { keptDocuments } from './kept-documents.ts';
import { FileTree } from './tree.ts';

/** An image for one platform. Its layers are in the store. */
export interface BaseImage {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  /** Its files; a new tree each time, which may be changed. */
  tree(): FileTree;
}

export interface BaseOptions {
  readonly store: Store;
  readonly cache: LayerCache;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Where the image is that the Dockerfile calls by this name. */
  resolveBase(name: string): Promise<{ readonly source: ContentSource; readonly digest: Digest }>;
}

const OCI_TYPES: Readonly<Record<string, string>> = { [DOCKER_LAYER]: OCI_LAYER, [DOCKER_LAYER_GZIP]: OCI_LAYER_GZIP };

/** A layer under the OCI name of its media type: the bytes are the same under Docker's. */
const asOci = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType: OCI_TYPES[mediaType] ?? mediaType, digest, size });

/** The layers of base images by the digests of their tars: the blob, and where it is. */
export type BaseLayers = ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly source: ContentSource }>;

/** The layers of images, of all their platforms. @throws what `readImage` throws */
export const readBaseLayers = async (bases: Iterable<{ readonly source: ContentSource; readonly digest: Digest }>): Promise<BaseLayers> => {
  const found = new Map<Digest, { descriptor: Descriptor; source: ContentSource }>();
  for (const { source, digest } of bases)
    for (const { manifest, config } of (await readImage(source, digest, { repeated: 'first' })).platforms)
      for (const [at, layer] of manifest.layers.entries()) found.set(config.rootfs.diff_ids[at]!, { descriptor: asOci(layer), source });
  return found;
};

/** Where an image is. `documents` gives its manifests and configs, `source` its layers. */
interface ResolvedImage {
  readonly source: ContentSource;
  readonly digest: Digest;
  readonly documents: ContentSource;
}

/** Brings a layer into the store unless it is there; `what` says for people what it is a layer of. */
type Fetch = (layer: Descriptor, source: ContentSource, what: string) => Promise<void>;

const listAll = async (layers: readonly Layer[], { cache, signal }: BaseOptions): Promise<LayerListing[]> => {
  const listings: LayerListing[] = [];
  for (const { descriptor, diffId } of layers) {
    stopIfAborted(signal);
    listings.push(await cache.listing(descriptor, diffId));
  }
  return listings;
};

const readBase = async (name: string, platform: Platform, image: ResolvedImage, options: BaseOptions, fetch: Fetch): Promise<BaseImage> => {
  stopIfAborted(options.signal);
  options.progress(`reading ${name} for ${platform}`);
  const { manifest, config } = platformOfImage(await readImage(image.documents, image.digest, { platforms: [platform], repeated: 'first' }), platform);
  if (((config.config?.['OnBuild'] as unknown[] | null | undefined) ?? []).length > 0)
    fail('ERR_DOCKERFILE_UNSUPPORTED', `the image ${name} has ONBUILD instructions, which need Docker`);
  for (const layer of uniqueBlobs(manifest.layers)) await fetch(layer, image.source, `${name} for ${platform}`);
  const layers = manifest.layers.map((layer, at): Layer => ({ descriptor: asOci(layer), diffId: config.rootfs.diff_ids[at]! }));
  const listings = await listAll(layers, options);
  const made = new FileTree();
  for (const [at, listing] of listings.entries()) applyListing(made, listing, layers[at]!);
  return { config, layers, tree: () => made.copy() };
};

/** Gives an image by its name in the Dockerfile. */
export type BaseOf = (name: string, platform: Platform) => Promise<BaseImage>;

/** Reads the images that a build needs: each once for each platform, each layer once. */
export const openBases = (options: BaseOptions): BaseOf => {
  const { store, progress, signal } = options;
  const images = new Map<string, Promise<ResolvedImage>>();
  const bases = new Map<string, Promise<BaseImage>>();
  const layers = new Map<Digest, Promise<void>>();
  const fetchLayer = async (layer: Descriptor, source: ContentSource, what: string): Promise<void> => {
    if (await store.hasBlob(layer)) return;
    progress(`fetching a layer of ${what} (${layer.size} bytes)`);
    await store.putBlob(layer, () => whileWanted(source.openBlob(layer), signal));
  };
  const fetch: Fetch = (layer, source, what) => once(layers, layer.digest, () => fetchLayer(layer, source, what));
  const resolve = async (name: string): Promise<ResolvedImage> => {
    const { source, digest } = await options.resolveBase(name);
    return { source, digest, documents: readingOnce(source === store ? store : keptDocuments(source, store)) };
  };
  return (name, platform) =>
    once(bases, `${platform} ${name}`, async () => readBase(name, platform, await once(images, name, () => resolve(name)), options, fetch));
};
