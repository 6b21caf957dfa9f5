import { fail, isPinlaneError, PLATFORMS, type Digest, type Platform } from '@pinlane/contracts';
import {
  isConfigType,
  isIndexType,
  isManifestType,
  layerCompression,
  MANIFEST_LIMIT,
  parseChild,
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

/** An index's entries by what they are. */
const sortEntries = ({ manifests }: ImageIndex) => {
  const isSetAside = (entry: Descriptor) => isAttestation(entry) || !(isManifestType(entry.mediaType) || isIndexType(entry.mediaType));
  // One manifest may be listed twice.
  const entries = [
    ...new Map(
      manifests.filter((entry) => !isSetAside(entry)).map((entry) => [`${entry.digest} ${entry.platform && platformName(entry.platform)}`, entry]),
    ).values(),
  ];
  const known = entries.map((entry) => ({ entry, platform: entry.platform && knownPlatform(entry.platform) }));
  return {
    attestations: manifests.filter(isSetAside),
    ours: known.flatMap(({ entry, platform }) => (platform === undefined ? [] : [{ entry, platform }])),
    others: entries.filter((entry) => entry.platform && knownPlatform(entry.platform) === undefined),
    /** What does not say which platform it is for. */
    unsaid: entries.filter((entry) => entry.platform === undefined),
  };
};

/** How deep indexes may lie in each other, and how many entries that say no platform are looked into. */
const [DEEPEST, UNSAID_AT_MOST] = [4, 100];

type Read = (entry: Descriptor, depth: number) => Promise<PlatformImage[]>;

/** Reads what an index lists for a platform. An index in its place would have several, and is not believed. */
const readListed = async (source: ContentSource, entry: Descriptor, platform: Platform): Promise<PlatformImage[]> => {
  const { manifest } = parseChild(entry, (await source.readManifest(entry.digest)).bytes);
  return [await readPlatform(source, entry, manifest, platform)];
};

const NO_IMAGE = ['ERR_MANIFEST_UNKNOWN', 'ERR_MANIFEST_INVALID', 'ERR_PLATFORM_MISSING'] as const;

/** Reads an entry that does not say a platform: what it is for is in its config. One that is no image, or not there, is for none. */
const readUnsaid = (source: ContentSource, wanted: readonly Platform[]): Read => {
  return async (entry, depth) => {
    try {
      const document = parseListed(entry, (await source.readManifest(entry.digest)).bytes);
      if (document.kind === 'index') return (await findPlatforms(source, document, wanted, depth + 1)).found;
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
 * Finds an index's manifests for platforms, as BuildKit does: an entry for the platform counts before those that say none, and the others are not looked at.
 * @throws ERR_MANIFEST_INVALID if there are two for one of the platforms
 */
const findPlatforms = async (source: ContentSource, document: ImageDocument & { readonly kind: 'index' }, wanted: readonly Platform[], depth: number) => {
  const { digest } = document.descriptor;
  if (depth > DEEPEST) return fail('ERR_MANIFEST_INVALID', `index ${digest} lies in more than ${DEEPEST} others`);
  const sorted = sortEntries(document.index);
  for (const platform of wanted) {
    const own = sorted.ours.filter((each) => each.platform === platform);
    if (own.length > 1) fail('ERR_MANIFEST_INVALID', `index ${digest} lists two manifests for ${platform}`);
  }
  const listed = sorted.ours.filter(({ platform }) => wanted.includes(platform));
  const left = wanted.filter((platform) => !listed.some((each) => each.platform === platform));
  const unsaid = left.length === 0 ? [] : sorted.unsaid;
  if (unsaid.length > UNSAID_AT_MOST) fail('ERR_MANIFEST_INVALID', `index ${digest} lists more than ${UNSAID_AT_MOST} manifests without a platform`);
  const read = readUnsaid(source, left);
  const images = await allOf([...listed.map(({ entry, platform }) => readListed(source, entry, platform)), ...unsaid.map((entry) => read(entry, depth))]);
  const found = [...new Map(images.map((image) => [image.descriptor.digest, image])).values()];
  for (const platform of wanted)
    if (found.filter((image) => image.platform === platform).length > 1)
      fail('ERR_MANIFEST_INVALID', `index ${digest} lists two manifests for ${platform}, which do not say so`);
  return { ...sorted, found };
};

const isWanted = (platform: Platform, wanted?: readonly Platform[]): boolean => wanted?.includes(platform) ?? true;

const readIndex = async (source: ContentSource, document: ImageDocument & { readonly kind: 'index' }, wanted?: readonly Platform[]): Promise<ImageView> => {
  const { descriptor, index } = document;
  const { ours, others, attestations, found } = await findPlatforms(source, document, wanted ?? PLATFORMS, 0);
  const platforms = PLATFORMS.flatMap((platform) => found.filter((image) => image.platform === platform));
  const there = PLATFORMS.filter((platform) => [...ours, ...platforms].some((each) => each.platform === platform));
  return requirePlatforms({ kind: 'index', descriptor, index, platforms, others, attestations }, there, wanted);
};

/**
 * Reads an image down to its configs, and is strict with what it reads: there is one manifest for each platform, each config is for the platform that the index lists
 * it for and names as many layers as its manifest, media types are those of an image that can run. Attestations (`unknown/unknown`) are set
 * aside. Only `platforms`, if they are given, are fetched and checked. Layers are not read: see `verifyImage`.
 * @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const readImage = async (source: ContentSource, digest: Digest, options: { readonly platforms?: readonly Platform[] } = {}): Promise<ImageView> => {
  const document = parseDocument((await source.readManifest(digest)).bytes);
  if (document.kind === 'index') return readIndex(source, document, options.platforms);
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
