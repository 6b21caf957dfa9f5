import {
  asPinlaneError,
  formatRepository,
  isPinlaneError,
  parsePinnedReference,
  parseRepository,
  platformOf,
  PLATFORMS,
  type BuiltImage,
  type BuildPlan,
  type Digest,
  type Platform,
} from '@pinlane/contracts';
import {
  listedHere,
  openLayerCache,
  publishFileLists,
  readFileLists,
  readImage,
  type AssembleRequest,
  type RegistryRepository,
  type Store,
} from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import type { BuildSettings } from '../workspace/settings.ts';
import { openRegistry, type RegistryAccess } from './locations.ts';

/**
 * Finds the lists of what a base holds: in the repository that the image is pushed to, and in those that the bases are in. They are the word of whoever may push
 * there, as everything is that is pinned from there; so a build that pushes nothing, or that is to be made of nothing but its source, asks for none.
 * @param bases where the bases are, `repository@sha256:…`; null for those in the store
 */
export const fileListsFor = (
  { repository, push }: BuildPlan,
  bases: readonly (string | null)[],
  { noCache, settings }: { readonly noCache: boolean; readonly settings: BuildSettings },
  access: RegistryAccess,
  { note }: VerbContext,
): AssembleRequest['fileLists'] => {
  if (!push || noCache || settings.rules.fresh) return undefined;
  const based = bases.flatMap((reference) => (reference === null ? [] : [formatRepository(parsePinnedReference(reference))]));
  const places = [...new Set([repository, ...based])].map((name) => ({
    name,
    registry: openRegistry(parseRepository(name), { ...access, writes: name === repository }),
  }));
  return async (manifest) => {
    for (const { name, registry } of places) {
      try {
        const lists = await readFileLists(registry, manifest);
        if (lists !== undefined) return lists;
      } catch (thrown) {
        if (access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
        note(`no list of the base's files was had from ${name}: ${asPinlaneError(thrown).problems[0]?.message}`);
      }
    }
    return undefined;
  };
};

/** Puts lists of what the bases of an image hold beside it, if their layers were read on this machine: whoever builds it next need not fetch them to know. */
export const publishLists = async (image: BuiltImage, registry: RegistryRepository, store: Store): Promise<void> => {
  const platforms = Object.keys(image.platforms).map((architecture) => platformOf(architecture as keyof typeof image.platforms)) as Platform[];
  for (const { digest } of Object.values(image.bases).map(parsePinnedReference)) {
    const base = await readImage(store, digest, { platforms, repeated: 'first' }).catch((thrown: unknown) => {
      // Docker reads bases by itself.
      if (isPinlaneError(thrown)) return undefined;
      throw thrown;
    });
    const published = (base?.platforms ?? []).map(async (platform) => {
      const lists = await listedHere(store, platform);
      if (lists !== undefined) await publishFileLists(registry, platform.descriptor.digest, lists);
    });
    await Promise.all(published);
  }
};

/** Puts lists of what a base holds beside it, for those that build on it: its layers are read for that, if they are in the store. */
export const publishBaseLists = async (index: Digest, registry: RegistryRepository, store: Store): Promise<void> => {
  const cache = openLayerCache(store);
  for (const platform of (await readImage(store, index, { platforms: PLATFORMS })).platforms) {
    const { layers } = platform.manifest;
    const here = await Promise.all(layers.map((layer) => store.hasBlob(layer)));
    if (!here.every(Boolean)) continue;
    for (const [at, layer] of layers.entries()) await cache.listing(layer, platform.config.rootfs.diff_ids[at]!);
    const lists = await listedHere(store, platform);
    if (lists !== undefined) await publishFileLists(registry, platform.descriptor.digest, lists);
  }
};
