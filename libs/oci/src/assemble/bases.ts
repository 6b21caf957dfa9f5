import { fail, formatRepository, isPinlaneError, shortDigest, type Digest, type Platform, type Progress, type Repository } from '@pinlane/contracts';
import {
  DOCKER_LAYER,
  DOCKER_LAYER_GZIP,
  inParallel,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  readingOnce,
  stopIfAborted,
  uniqueBlobs,
  whileWanted,
  type BlobSource,
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

/** An image for one platform. Its layers are in the store, or noted there as being elsewhere. */
export interface BaseImage {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  /** Its files; a new tree each time, which may be changed. Layers that nobody has listed are fetched for that. @throws BaseUnreadable */
  tree(): Promise<FileTree>;
}

/** What kept the layers of a base from being read; it is the fault of no instruction. */
export class BaseUnreadable extends Error {}

/** What the layers of one platform's image hold, by their digests, as someone claims it; undefined if nobody does. */
export type FindFileLists = (manifest: Digest) => Promise<ReadonlyMap<Digest, LayerListing> | undefined>;

export interface BaseOptions {
  readonly store: Store;
  readonly cache: LayerCache;
  readonly fileLists?: FindFileLists | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Where the image is that the Dockerfile calls by this name. */
  resolveBase(name: string): Promise<{ readonly source: ContentSource; readonly digest: Digest }>;
}

const OCI_TYPES: Readonly<Record<string, string>> = { [DOCKER_LAYER]: OCI_LAYER, [DOCKER_LAYER_GZIP]: OCI_LAYER_GZIP };

/** A layer under the OCI name of its media type: the bytes are the same under Docker's. */
const asOci = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType: OCI_TYPES[mediaType] ?? mediaType, digest, size });

/** The layers of base images by the digests of their tars: the blob, where it is, and as a part of which image. */
export type BaseLayers = ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly source: ContentSource; readonly image: Digest }>;

/** The layers of images, of all their platforms. @throws what `readImage` throws */
export const readBaseLayers = async (bases: Iterable<{ readonly source: ContentSource; readonly digest: Digest }>): Promise<BaseLayers> => {
  const found = new Map<Digest, { descriptor: Descriptor; source: ContentSource; image: Digest }>();
  for (const { source, digest } of bases)
    for (const { manifest, config } of (await readImage(source, digest, { repeated: 'first' })).platforms)
      for (const [at, layer] of manifest.layers.entries()) found.set(config.rootfs.diff_ids[at]!, { descriptor: asOci(layer), source, image: digest });
  return found;
};

/** Where an image is. `documents` gives its manifests and configs, `layers` its layers. */
interface ResolvedImage {
  readonly digest: Digest;
  readonly documents: ContentSource;
  readonly layers: LayerSource;
}

/** Where the layers of an image are read. */
interface LayerSource extends BlobSource {
  /** Sees to it that the store has these layers, or a note of where they are. `what` says for people what they are layers of. */
  settle(layers: readonly Descriptor[], what: string): Promise<void>;
}

/** Layers that stay where they are. One is brought into the store when it is read, since whoever looks at the files of a base is likely to run it, too. */
const leftThere = (source: ContentSource, repository: Repository, digest: Digest, { store, progress, signal }: BaseOptions): LayerSource => {
  const near: ContentSource = {
    ...source,
    repository,
    openBlob: (layer) => {
      progress(`fetching layer ${shortDigest(layer.digest)} (${(layer.size / 1e6).toFixed(1)} MB) of ${formatRepository(repository)}`);
      return whileWanted(source.openBlob(layer), signal);
    },
  };
  return {
    settle: async (layers) => store.noteOrigin({ ...repository, digest }, layers),
    async *openBlob(layer, use) {
      await store.bring([layer], near);
      yield* store.openBlob(layer, use);
    },
  };
};

/** Layers of a source that is no registry's, which may not be there tomorrow: they are copied. */
const copied = (source: ContentSource, { store, progress, signal }: BaseOptions): LayerSource => {
  const done = new Map<Digest, Promise<void>>();
  const copy = async (layer: Descriptor, what: string): Promise<void> => {
    if (await store.hasBlob(layer)) return;
    progress(`fetching a layer of ${what} (${layer.size} bytes)`);
    await store.putBlob(layer, () => whileWanted(source.openBlob(layer), signal));
  };
  return {
    settle: async (layers, what) => {
      for (const layer of layers) await once(done, layer.digest, () => copy(layer, what));
    },
    openBlob: (layer, use) => store.openBlob(layer, use),
  };
};

const layersOf = (source: ContentSource, digest: Digest, options: BaseOptions): LayerSource => {
  const { store } = options;
  if (source === store) return { settle: async () => undefined, openBlob: (layer, use) => store.openBlob(layer, use) };
  return source.repository === undefined ? copied(source, options) : leftThere(source, source.repository, digest, options);
};

/** How many layers are fetched and listed at once. */
const AT_ONCE = 4;

/** A tree of layers. @throws ERR_LAYER_UNSAFE */
const treeOf = (layers: readonly Layer[], listings: readonly LayerListing[]): FileTree => {
  const tree = new FileTree();
  for (const [at, listing] of listings.entries()) applyListing(tree, listing, layers[at]!);
  return tree;
};

/** Every layer as it was listed here before, or as someone claims it; undefined if one is here, and can be read, or of one nothing is known. */
const claimedTree = async (layers: readonly Layer[], manifest: Digest, { store, cache, fileLists, progress }: BaseOptions): Promise<FileTree | undefined> => {
  const known = await Promise.all(layers.map(({ descriptor, diffId }) => cache.known(descriptor, diffId)));
  const unknown = layers.filter((_, at) => known[at] === undefined);
  if (fileLists === undefined || unknown.length === 0 || (await Promise.all(unknown.map(({ descriptor }) => store.hasBlob(descriptor)))).some(Boolean))
    return undefined;
  const claimed = await fileLists(manifest);
  if (claimed === undefined) return undefined;
  const listings = layers.flatMap(({ descriptor, diffId }, at) => {
    const listing = known[at] ?? claimed.get(descriptor.digest);
    return listing?.diffId === diffId ? [listing] : [];
  });
  try {
    if (listings.length === layers.length) return treeOf(layers, listings);
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
  }
  progress(`the list of files of ${manifest} is ignored, because it is not one of its layers`, 'note');
  return undefined;
};

/** The files of an image. Only what nobody has listed is fetched. */
const readTree = async (layers: readonly Layer[], manifest: Digest, image: ResolvedImage, options: BaseOptions): Promise<FileTree> => {
  const { cache, signal } = options;
  try {
    const claimed = await claimedTree(layers, manifest, options);
    if (claimed) return claimed;
    const listings = await inParallel(layers, AT_ONCE, ({ descriptor, diffId }) => {
      stopIfAborted(signal);
      return cache.listing(descriptor, diffId, image.layers);
    });
    return treeOf(layers, listings);
  } catch (cause) {
    throw new BaseUnreadable('the layers of a base cannot be read', { cause });
  }
};

const readBase = async (name: string, platform: Platform, image: ResolvedImage, options: BaseOptions): Promise<BaseImage> => {
  stopIfAborted(options.signal);
  options.progress(`reading ${name} for ${platform}`);
  const view = await readImage(image.documents, image.digest, { platforms: [platform], repeated: 'first' });
  const { descriptor, manifest, config } = platformOfImage(view, platform);
  if (((config.config?.['OnBuild'] as unknown[] | null | undefined) ?? []).length > 0)
    fail('ERR_DOCKERFILE_UNSUPPORTED', `the image ${name} has ONBUILD instructions, which need Docker`);
  await image.layers.settle(uniqueBlobs(manifest.layers), `${name} for ${platform}`);
  const layers = manifest.layers.map((layer, at): Layer => ({ descriptor: asOci(layer), diffId: config.rootfs.diff_ids[at]! }));
  let made: Promise<FileTree> | undefined;
  return { config, layers, tree: async () => (await (made ??= readTree(layers, descriptor.digest, image, options))).copy() };
};

/** Gives an image by its name in the Dockerfile. */
export type BaseOf = (name: string, platform: Platform) => Promise<BaseImage>;

/** The images that a build stands on, and takes files from. */
export interface Bases {
  readonly baseOf: BaseOf;
  /** The layers of those that were given out, wherever they are. */
  readonly layers: BlobSource;
}

/** Reads the images that a build needs: each once for each platform. Of their layers, only those are read whose files the build looks at. */
export const openBases = (options: BaseOptions): Bases => {
  const { store } = options;
  const images = new Map<string, Promise<ResolvedImage>>();
  const bases = new Map<string, Promise<BaseImage>>();
  const sourceOf = new Map<Digest, LayerSource>();
  const resolve = async (name: string): Promise<ResolvedImage> => {
    const { source, digest } = await options.resolveBase(name);
    return { digest, documents: readingOnce(source === store ? store : keptDocuments(source, store)), layers: layersOf(source, digest, options) };
  };
  const read = async (name: string, platform: Platform): Promise<BaseImage> => {
    const image = await once(images, name, () => resolve(name));
    const base = await readBase(name, platform, image, options);
    for (const { descriptor } of base.layers) sourceOf.set(descriptor.digest, image.layers);
    return base;
  };
  return {
    baseOf: (name, platform) => once(bases, `${platform} ${name}`, () => read(name, platform)),
    layers: { openBlob: (layer, use) => (sourceOf.get(layer.digest) ?? store).openBlob(layer, use) },
  };
};
