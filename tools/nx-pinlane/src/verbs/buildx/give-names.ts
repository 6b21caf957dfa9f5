import { Readable } from 'node:stream';
import { createProcessRunner, findProgram } from '@pinlane/adapters';
import { architectureOfMachine, fail, isTag, parseRepository, platformOf, quoted, type BuiltImage } from '@pinlane/contracts';
import { copyImage, imageArchive, tagImage, platformOfImage, readImage, type ContentSource } from '@pinlane/oci';
import type { VerbContext } from '../../command/context.ts';
import { openLocation, openRegistry, type ImageLocations } from '../../images/locations.ts';

/** Names for people; Pinlane never reads one back. */
export interface WantedNames {
  readonly tags: readonly string[];
  readonly load: boolean;
  /** Whether the build was to push, so that names may be written to the registry. */
  readonly push: boolean;
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

const load = async (image: BuiltImage, tags: readonly string[], source: ContentSource, { signal, progress }: VerbContext): Promise<void> => {
  const docker =
    findProgram('docker') ?? fail('ERR_ENGINE_UNAVAILABLE', '--load needs Docker, which is not installed', { fix: 'Install Docker, or leave --load out.' });
  const platform = platformOf(architectureOfMachine(process.arch));
  const own = platformOfImage(await readImage(source, image.index, { platforms: [platform] }), platform);
  for (const tag of tags.length > 0 ? tags : ['latest']) {
    progress(`loading ${tag} into Docker`);
    await createProcessRunner().run({
      command: docker,
      args: ['load', '--quiet'],
      input: Readable.from(imageArchive(source, own, `${DOCKERS_OWN}/${image.name}:${tag}`)),
      signal,
    });
  }
};

/** Gives an image of the store names there. One that was found by its pin in a registry is brought into the store first. */
const nameInStore = async (image: BuiltImage, tags: readonly string[], { store, access }: ImageLocations, { signal, progress }: VerbContext): Promise<void> => {
  if (image.pushed && (await store.missing(image.index)).length > 0)
    await copyImage(openRegistry(parseRepository(image.repository), access), store, image.index, { signal, progress });
  const { descriptor } = await store.readManifest(image.index);
  for (const tag of tags) await store.name(tag === 'latest' ? image.name : `${image.name}:${tag}`, descriptor);
};

const nameInRegistry = async (image: BuiltImage, tags: readonly string[], { access }: ImageLocations): Promise<void> => {
  const registry = openRegistry(parseRepository(image.repository), access);
  for (const tag of tags) await tagImage(registry, registry, image.index, tag);
};

/**
 * Gives an image its names: in its registry if it is to be pushed, in the store otherwise, and in Docker if that was asked.
 * @throws ERR_OPTION_INVALID, ERR_ENGINE_UNAVAILABLE, ERR_ADAPTER and whatever the registry throws
 */
export const giveNames = async (image: BuiltImage, wanted: WantedNames, locations: ImageLocations, context: VerbContext): Promise<void> => {
  const tags = requireTags(wanted.tags, image.repository);
  if (tags.length > 0) await (wanted.push ? nameInRegistry(image, tags, locations) : nameInStore(image, tags, locations, context));
  if (wanted.load) await load(image, tags, openLocation(parseRepository(image.repository), locations), context);
};
