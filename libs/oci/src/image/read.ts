import { fail, isPinlaneError, PLATFORMS, type Digest, type Platform } from '@pinlane/contracts';
import {
  isConfigType,
  isIndexType,
  isManifestType,
  layerCompression,
  MANIFEST_LIMIT,
  parseConfig,
  parseDocument,
  parseListed,
  readAll,
  type ContentSource,
  type Descriptor,
  type ImageConfig,
  type ImageDocument,
  type ImageIndex,
  type Manifest,
} from '../content/index.ts';
import { isAttestation, knownPlatform, platformEntry, platformName } from './platforms.ts';

/** One platform of an image: everything but the layers' bytes. */
export interface PlatformImage {
  readonly platform: Platform;
  /** Of the manifest; its `platform` is set. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
}

/** What a digest of an image names: an index over platforms, or one platform's manifest. */
export interface ImageView {
  readonly kind: 'index' | 'manifest';
  readonly descriptor: Descriptor;
  /** Set for an index only. */
  readonly index?: ImageIndex;
  /** In the order of PLATFORMS. */
  readonly platforms: readonly PlatformImage[];
  /** Entries of the index for platforms that Pinlane does not build for; neither fetched nor checked. */
  readonly others: readonly Descriptor[];
  /** Attestations and the like; neither fetched nor checked. */
  readonly attestations: readonly Descriptor[];
}

const readConfig = async (source: ContentSource, { config }: Manifest): Promise<Uint8Array> => {
  if (config.size > MANIFEST_LIMIT) return fail('ERR_MANIFEST_INVALID', `config ${config.digest} is larger than ${MANIFEST_LIMIT} bytes`);
  return readAll(source.openBlob(config), MANIFEST_LIMIT, `config ${config.digest}`);
};

const checkRunnable = (digest: Digest, manifest: Manifest): void => {
  if (!isConfigType(manifest.config.mediaType))
    fail('ERR_MANIFEST_INVALID', `manifest ${digest}: ${manifest.config.mediaType} is not the media type of an image's config`);
  const stranger = manifest.layers.find(({ mediaType }) => layerCompression(mediaType) === undefined);
  if (stranger) fail('ERR_MANIFEST_INVALID', `manifest ${digest}: ${stranger.mediaType} is not the media type of a layer`);
};

const readPlatform = async (source: ContentSource, descriptor: Descriptor, manifest: Manifest, listedFor?: Platform): Promise<PlatformImage> => {
  const { digest } = descriptor;
  checkRunnable(digest, manifest);
  const configBytes = await readConfig(source, manifest);
  const config = parseConfig(configBytes);
  if (config.rootfs.diff_ids.length !== manifest.layers.length)
    fail('ERR_MANIFEST_INVALID', `manifest ${digest} lists ${manifest.layers.length} layers and its config ${config.rootfs.diff_ids.length}`);
  const platform = knownPlatform(config);
  if (listedFor !== undefined && platform !== listedFor)
    return fail('ERR_MANIFEST_INVALID', `manifest ${digest} is listed for ${listedFor} and its config is for ${platformName(config)}`);
  if (platform === undefined) return fail('ERR_PLATFORM_MISSING', `image ${digest} is for ${platformName(config)}, which cannot be run or pinned`);
  return { platform, descriptor: { ...descriptor, platform: platformEntry(platform) }, manifest, config, configBytes };
};

/** An entry of an index as often as it is listed for a platform: once. */
const listedOnce = (entries: readonly Descriptor[]): Descriptor[] => {
  const seen = new Set<string>();
  return entries.filter((entry) => {
    const key = `${entry.digest} ${entry.platform && platformName(entry.platform)}`;
    return !seen.has(key) && seen.add(key);
  });
};

/** An index's entries by what they are. */
const sortEntries = ({ manifests }: ImageIndex) => {
  const isSetAside = (entry: Descriptor) => isAttestation(entry) || !(isManifestType(entry.mediaType) || isIndexType(entry.mediaType));
  const entries = listedOnce(manifests.filter((entry) => !isSetAside(entry)));
  const known = entries.map((entry) => ({ entry, platform: entry.platform && knownPlatform(entry.platform) }));
  return {
    attestations: manifests.filter(isSetAside),
    ours: known.flatMap(({ entry, platform }) => (platform === undefined ? [] : [{ entry, platform }])),
    others: entries.filter((entry) => entry.platform && knownPlatform(entry.platform) === undefined),
    /** What does not say which platform it is for. */
    unsaid: entries.filter((entry) => entry.platform === undefined),
  };
};

/** How deep indexes may lie in each other, and how many entries are looked into that are an index or say no platform, in all of an image's indexes together. */
const [DEEPEST, LOOKED_INTO_AT_MOST] = [4, 100];

type IndexDocument = ImageDocument & { readonly kind: 'index' };

/** What a search for platforms shares on all levels of an image's indexes. */
interface Search {
  readonly source: ContentSource;
  readonly repeated: 'refused' | 'first';
  /** Counts an entry that is looked into. @throws ERR_MANIFEST_INVALID for one too many */
  look(): void;
  /** @throws ERR_MANIFEST_INVALID if there was one too many, which an entry that is of no use may have hidden */
  end(): void;
}

const newSearch = (source: ContentSource, { digest }: Descriptor, repeated: Search['repeated']): Search => {
  let looked = 0;
  const end = (): void => {
    if (looked > LOOKED_INTO_AT_MOST)
      fail('ERR_MANIFEST_INVALID', `index ${digest} lists more than ${LOOKED_INTO_AT_MOST} indexes, and manifests without a platform`);
  };
  const look = (): void => {
    looked += 1;
    end();
  };
  return { source, repeated, look, end };
};

type Read = (entry: Descriptor, depth: number) => Promise<PlatformImage[]>;

/** Reads what an index lists for a platform; if that is an index, what it lists for the platform, as BuildKit does. */
const readListed = async (search: Search, entry: Descriptor, platform: Platform, depth: number): Promise<PlatformImage[]> => {
  const { source } = search;
  const document = parseListed(entry, (await source.readManifest(entry.digest)).bytes);
  if (document.kind === 'manifest') return [await readPlatform(source, entry, document.manifest, platform)];
  search.look();
  const { found } = await findPlatforms(search, document, [platform], depth + 1);
  return found.length > 0 ? found : fail('ERR_MANIFEST_INVALID', `index ${entry.digest} is listed for ${platform} and lists nothing for it`);
};

const NO_IMAGE = ['ERR_MANIFEST_UNKNOWN', 'ERR_MANIFEST_INVALID', 'ERR_PLATFORM_MISSING'] as const;

/** Reads an entry that does not say a platform: what it is for is in its config. One that is no image, or not there, is for none. */
const readUnsaid = (search: Search, wanted: readonly Platform[]): Read => {
  const { source } = search;
  return async (entry, depth) => {
    search.look();
    try {
      const document = parseListed(entry, (await source.readManifest(entry.digest)).bytes);
      if (document.kind === 'index') return (await findPlatforms(search, document, wanted, depth + 1)).found;
      const image = await readPlatform(source, entry, document.manifest);
      return wanted.includes(image.platform) ? [image] : [];
    } catch (error) {
      if (NO_IMAGE.some((code) => isPinlaneError(error, code))) return [];
      throw error;
    }
  };
};

/** The results of all; a failure is thrown when the others have ended, so that nothing works on behind the caller's back. */
const allOf = async <T>(work: readonly Promise<T[]>[]): Promise<T[]> => {
  await Promise.allSettled(work);
  return (await Promise.all(work)).flat();
};

/**
 * The first of what is for each platform, which Docker takes; where that may not be decided, only one may be there: Podman takes the one that is packed
 * with zstd.
 */
const oneEach = <T extends { readonly platform: Platform }>(
  search: Search,
  { digest }: Descriptor,
  wanted: readonly Platform[],
  among: readonly T[],
): readonly T[] =>
  wanted.flatMap((platform) => {
    const [first, second] = among.filter((each) => each.platform === platform);
    if (second !== undefined && search.repeated === 'refused')
      fail('ERR_MANIFEST_INVALID', `index ${digest} lists two manifests for ${platform}: Docker runs the first of them, and Podman may run the other`, {
        fix: 'Make an index with one manifest for each platform, or name the manifest that is meant by its own digest.',
      });
    return first === undefined ? [] : [first];
  });

/**
 * Finds an index's manifests for platforms, as BuildKit does: an entry for the platform counts before those that say none, and the others are not looked at.
 * @throws ERR_MANIFEST_INVALID if there are two for one of the platforms, unless the first may be taken
 */
const findPlatforms = async (search: Search, { descriptor, index }: IndexDocument, wanted: readonly Platform[], depth: number) => {
  if (depth > DEEPEST) return fail('ERR_MANIFEST_INVALID', `index ${descriptor.digest} lies in more than ${DEEPEST} others`);
  const sorted = sortEntries(index);
  const listed = oneEach(search, descriptor, wanted, sorted.ours);
  const left = wanted.filter((platform) => !listed.some((each) => each.platform === platform));
  const read = readUnsaid(search, left);
  const unsaid = left.length === 0 ? [] : sorted.unsaid;
  const images = await allOf([
    ...listed.map(({ entry, platform }) => readListed(search, entry, platform, depth)),
    ...unsaid.map((entry) => read(entry, depth)),
  ]);
  const unique = [...new Map(images.map((image) => [image.descriptor.digest, image])).values()];
  return { ...sorted, found: oneEach(search, descriptor, wanted, unique) as PlatformImage[] };
};

const isWanted = (platform: Platform, wanted?: readonly Platform[]): boolean => wanted?.includes(platform) ?? true;

const readIndex = async (search: Search, document: IndexDocument, wanted?: readonly Platform[]): Promise<ImageView> => {
  const { descriptor, index } = document;
  const { ours, others, attestations, found } = await findPlatforms(search, document, wanted ?? PLATFORMS, 0);
  search.end();
  const platforms = PLATFORMS.flatMap((platform) => found.filter((image) => image.platform === platform));
  const there = PLATFORMS.filter((platform) => [...ours, ...platforms].some((each) => each.platform === platform));
  return requirePlatforms({ kind: 'index', descriptor, index, platforms, others, attestations }, there, wanted);
};

export interface ReadOptions {
  readonly platforms?: readonly Platform[];
  /**
   * What becomes of two different manifests for one platform: `first` takes the one that comes first, as Docker and BuildKit do, for an image that is built on;
   * `refused`, which is the default, is for what is pinned, where others may run the other one.
   */
  readonly repeated?: 'refused' | 'first';
}

/**
 * Reads an image down to its configs, and is strict with what it reads: there is one manifest for each platform, each config is for the platform that the index lists
 * it for and names as many layers as its manifest, media types are those of an image that can run. Attestations (`unknown/unknown`) are set
 * aside, and an index in the place of a manifest is looked into, as BuildKit does. Only `platforms`, if they are given, are fetched and checked. Layers are not
 * read: see `verifyImage`.
 * @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const readImage = async (source: ContentSource, digest: Digest, options: ReadOptions = {}): Promise<ImageView> => {
  const document = parseDocument((await source.readManifest(digest)).bytes);
  if (document.kind === 'index') return readIndex(newSearch(source, document.descriptor, options.repeated ?? 'refused'), document, options.platforms);
  const image = await readPlatform(source, document.descriptor, document.manifest);
  const platforms = isWanted(image.platform, options.platforms) ? [image] : [];
  return requirePlatforms({ kind: 'manifest', descriptor: document.descriptor, platforms, others: [], attestations: [] }, [image.platform], options.platforms);
};

const missing = (digest: Digest, platform: Platform, there: readonly Platform[]): never =>
  fail('ERR_PLATFORM_MISSING', `image ${digest} is not there for ${platform}; it is for ${there.join(', ') || 'none'}`);

/** @param there the platforms that the image has, also those that nobody asked for */
const requirePlatforms = (view: ImageView, there: readonly Platform[], platforms?: readonly Platform[]): ImageView => {
  const { digest } = view.descriptor;
  if (view.platforms.length === 0 && platforms === undefined) fail('ERR_PLATFORM_MISSING', `image ${digest} has no platform that can be run or pinned`);
  for (const platform of platforms ?? []) if (!there.includes(platform)) missing(digest, platform, there);
  return view;
};

/** The one manifest of an image for a platform. @throws ERR_PLATFORM_MISSING */
export const platformOfImage = ({ descriptor, platforms }: ImageView, platform: Platform): PlatformImage =>
  platforms.find((image) => image.platform === platform) ??
  missing(
    descriptor.digest,
    platform,
    platforms.map((image) => image.platform),
  );
