import { fail, type Digest, type Platform, type Progress } from '@pinlane/contracts';
import {
  DOCKER_LAYER,
  DOCKER_LAYER_GZIP,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  readingOnce,
  uniqueBlobs,
  type ContentSource,
  type Descriptor,
  type ImageConfig,
} from '../content/index.ts';
import { platformOfImage, readImage } from '../image/index.ts';
import type { Layer, LayerCache, LayerListing } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import { once } from '../layer/once.ts';
import { keptDocuments } from './kept-documents.ts';
import { FileTree } from './tree.ts';

/** An image for one platform, its layers in the store and listed. */
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
  resolveBase(name: string): Promise<{ readonly source: ContentSource; readonly digest: Digest }>;
}

const OCI_TYPES: Readonly<Record<string, string>> = { [DOCKER_LAYER]: OCI_LAYER, [DOCKER_LAYER_GZIP]: OCI_LAYER_GZIP };

/** The same blob under its OCI name: the bytes are the same in both. */
export const asOci = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType: OCI_TYPES[mediaType] ?? mediaType, digest, size });

/** Stops a stream of chunks when the work is broken off. */
export async function* whileWanted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    stopIfAborted(signal);
    yield chunk;
  }
}

export const stopIfAborted = (signal: AbortSignal): void => {
  if (signal.aborted) fail('ERR_CANCELLED', 'the build was interrupted');
};

type Fetch = (layer: Descriptor, source: ContentSource, what: string) => Promise<void>;

/** Where an image is, and its manifests and configs. */
interface ResolvedImage {
  readonly source: ContentSource;
  readonly digest: Digest;
  readonly documents: ContentSource;
}

const readBase = async (
  name: string,
  platform: Platform,
  { source, digest, documents }: ResolvedImage,
  { cache, signal }: BaseOptions,
  fetch: Fetch,
): Promise<BaseImage> => {
  stopIfAborted(signal);
  const { manifest, config } = platformOfImage(await readImage(documents, digest, { platforms: [platform] }), platform);
  if (((config.config?.['OnBuild'] as unknown[] | null | undefined) ?? []).length > 0)
    fail('ERR_DOCKERFILE_UNSUPPORTED', `the image ${name} has ONBUILD instructions, which need Docker`);
  for (const layer of uniqueBlobs(manifest.layers)) await fetch(layer, source, `${name} for ${platform}`);
  const layers = manifest.layers.map((layer, at): Layer => ({ descriptor: asOci(layer), diffId: config.rootfs.diff_ids[at]! }));
  const listings: LayerListing[] = [];
  for (const { descriptor, diffId } of layers) {
    stopIfAborted(signal);
    listings.push(await cache.listing(descriptor, diffId));
  }
  const tree = () => {
    const made = new FileTree();
    for (const [at, listing] of listings.entries()) made.apply(listing, layers[at]!);
    return made;
  };
  return { config, layers, tree };
};

/** Reads the images that a build needs: each once for each platform, each layer once. */
export const openBases = (options: BaseOptions): ((name: string, platform: Platform) => Promise<BaseImage>) => {
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
