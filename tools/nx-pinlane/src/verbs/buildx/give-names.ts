import { Readable } from 'node:stream';
import { createProcessRunner, findProgram } from '@pinlane/adapters';
import { architectureOfMachine, fail, isTag, parseRepository, platformOf, quoted, type BuiltImage } from '@pinlane/contracts';
import { imageArchive, platformOfImage, readImage, type Store } from '@pinlane/oci';
import type { VerbContext } from '../../command/context.ts';
import { openRegistry, type ImageLocations } from '../../images/locations.ts';

/** Names for people; Pinlane never reads one back. */
export interface WantedNames {
  readonly tags: readonly string[];
  readonly load: boolean;
}

/** `name:tag` and `registry/name:tag` are accepted if the image is of that name. @throws ERR_OPTION_INVALID */
const tagIn = (text: string, repository: string): string => {
  const tag = text.startsWith(`${repository}:`) ? text.slice(repository.length + 1) : text;
  return isTag(tag) ? tag : fail('ERR_OPTION_INVALID', `--tags: ${quoted(text, 200)} is neither a tag nor a tag of ${repository}`);
};

/** The tags among names for people. @throws ERR_OPTION_INVALID */
export const requireTags = (names: readonly string[], repository: string): string[] => names.map((text) => tagIn(text, repository));

/** Docker takes a name without a host for one of docker.io/library; containerd keeps names as they are written. */
const DOCKERS_OWN = 'docker.io/library';

const load = async (image: BuiltImage, tags: readonly string[], store: Store, { signal, progress }: VerbContext): Promise<void> => {
  const docker =
    findProgram('docker') ?? fail('ERR_ENGINE_UNAVAILABLE', '--load needs Docker, which is not installed', { fix: 'Install Docker, or leave --load out.' });
  const platform = platformOf(architectureOfMachine(process.arch));
  const own = platformOfImage(await readImage(store, image.index, { platforms: [platform] }), platform);
  for (const tag of tags.length > 0 ? tags : ['latest']) {
    progress(`loading ${tag} into Docker`);
    await createProcessRunner().run({
      command: docker,
      args: ['load', '--quiet'],
      input: Readable.from(imageArchive(store, own, `${DOCKERS_OWN}/${image.name}:${tag}`)),
      signal,
    });
  }
};

/**
 * Gives an image its names: in its registry if it was pushed, in the store otherwise, and in Docker if that was asked.
 * @throws ERR_OPTION_INVALID, ERR_ENGINE_UNAVAILABLE, ERR_ADAPTER and whatever the registry throws
 */
export const giveNames = async (image: BuiltImage, wanted: WantedNames, { store, access }: ImageLocations, context: VerbContext): Promise<void> => {
  const tags = requireTags(wanted.tags, image.repository);
  const { descriptor, bytes } = await store.readManifest(image.index);
  const registry = image.pushed ? openRegistry(parseRepository(image.repository), access) : null;
  for (const tag of tags)
    await (registry ? registry.tag(tag, descriptor, bytes) : store.name(tag === 'latest' ? image.name : `${image.name}:${tag}`, descriptor));
  if (wanted.load) await load(image, tags, store, context);
};
