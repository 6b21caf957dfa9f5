import {
  asPinlaneError,
  isPinlaneError,
  parsePinnedReference,
  parseRepository,
  platformOf,
  type BuiltImage,
  type BuildPlan,
  type Platform,
} from '@pinlane/contracts';
import { listedHere, publishFileLists, readFileLists, readImage, type AssembleRequest, type RegistryRepository, type Store } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import type { BuildSettings } from '../workspace/settings.ts';
import { openRegistry, type RegistryAccess } from './locations.ts';

/**
 * Finds the lists of what a base holds in the repository that the image is pushed to. They are the word of whoever may push there, as everything is that is pinned
 * from there; so a build that pushes nothing, or that is to be made of nothing but its source, asks for none.
 */
export const fileListsFor = (
  { repository, push }: BuildPlan,
  { noCache, settings }: { readonly noCache: boolean; readonly settings: BuildSettings },
  access: RegistryAccess,
  { note }: VerbContext,
): AssembleRequest['fileLists'] => {
  if (!push || noCache || settings.rules.fresh) return undefined;
  const registry = openRegistry(parseRepository(repository), { ...access, writes: true });
  return async (manifest) => {
    try {
      return await readFileLists(registry, manifest);
    } catch (thrown) {
      if (access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
      note(`no list of the base's files was had from ${repository}: ${asPinlaneError(thrown).problems[0]?.message}`);
      return undefined;
    }
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
