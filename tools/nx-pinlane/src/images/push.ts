import { join } from 'node:path';
import {
  asPinlaneError,
  isPinlaneError,
  parsePinnedReference,
  parseRepository,
  type BuiltImage,
  type Digest,
  type PushEntry,
  type Repository,
} from '@pinlane/contracts';
import { childManifests, parseDocument, protectingTag, pushImage, readImage, tagImage, type RegistryRepository, type Store } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { isSame, notePush, readJournal, settlePushes, type JournalPlace } from '../workspace/push-journal.ts';
import { publishLists } from './file-lists.ts';
import { fingerprintTag } from './fingerprint-tag.ts';
import { isWhole, openRegistry, type ImageLocations, type RegistryAccess } from './locations.ts';

/** How long an upload that was broken off may still turn out to have left something, in ms. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/** An image's manifests, children first. */
const manifestsOf = async (store: Store, index: Digest): Promise<Digest[]> => {
  const document = parseDocument((await store.readManifest(index)).bytes);
  return [...childManifests(document).map(({ digest }) => digest), index];
};

const orAbsent = async <T>(work: Promise<T>): Promise<T | null> => {
  try {
    return await work;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_MANIFEST_UNKNOWN')) return null;
    throw thrown;
  }
};

const isNamed = async (registry: RegistryRepository, digest: Digest, tag = protectingTag(digest)): Promise<boolean> =>
  (await orAbsent(registry.resolve(tag)))?.digest === digest;

/** Gives a manifest that is in a registry a tag, the protecting one where none is named; false if it is not there. */
export const nameIfThere = async (registry: RegistryRepository, digest: Digest, tag = protectingTag(digest)): Promise<boolean> => {
  if (await isNamed(registry, digest, tag)) return true;
  const found = await orAbsent(registry.readManifest(digest));
  if (found !== null) await registry.tag(tag, found.descriptor, found.bytes);
  return found !== null;
};

/** Whether a push began so long ago that nothing more of it will arrive. */
const isOld = ({ startedAt }: PushEntry): boolean => Date.now() - Date.parse(startedAt) > LEFTOVER_AGE_MS;

/** Whether a push that another run began is over: all of its manifests have their tags, or it is old. */
const nameLeftover = async (entry: PushEntry, access: RegistryAccess): Promise<boolean> => {
  const { repository, manifests } = entry;
  const registry = openRegistry(parseRepository(repository), access);
  const named = await Promise.all(manifests.map((digest) => nameIfThere(registry, digest)));
  return named.every(Boolean) || isOld(entry);
};

/** Tags the manifests that killed runs left of other images. A push whose registry can't be reached now stays in the journal, for a day. */
const nameLeftovers = async (image: BuiltImage, entries: readonly PushEntry[], place: JournalPlace, access: RegistryAccess): Promise<void> => {
  const others = entries.filter((entry) => !isSame(image)(entry));
  const over = others.map((entry) =>
    nameLeftover(entry, access).catch((thrown: unknown) => {
      if (access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
      // Every push to come would wait for a registry that does not exist any more.
      const over = isOld(entry);
      const left = over ? `what it left will have no tag; its manifests are ${entry.manifests.join(', ')}` : "what it left can't be named now";
      place.note(`WARNING an earlier push to ${entry.repository} was broken off, and ${left}: ${asPinlaneError(thrown).problems[0]?.message}`);
      return over;
    }),
  );
  const settled = await Promise.all(over);
  await settlePushes(
    place,
    others.filter((_, position) => settled[position]),
  );
};

/** Whether every manifest of an image has its protecting tag in a registry, and its index that of the fingerprint. */
const allNamed = async (registry: RegistryRepository, { index, fingerprint }: BuiltImage, manifests: readonly Digest[]): Promise<boolean> =>
  (await Promise.all([isNamed(registry, index, fingerprintTag(fingerprint)), ...manifests.map((digest) => isNamed(registry, digest))])).every(Boolean);

/** Lets other machines find an image by its source. A registry that lets no tag be written anew keeps the image that came first. */
const tagFingerprint = async (registry: RegistryRepository, { index, fingerprint }: BuiltImage, store: Store, note: VerbContext['note']): Promise<void> => {
  try {
    await tagImage(store, registry, index, fingerprintTag(fingerprint));
  } catch (thrown) {
    if (!isPinlaneError(thrown, 'ERR_REGISTRY_PROTOCOL') && !isPinlaneError(thrown, 'ERR_REGISTRY_DENIED')) throw thrown;
    note(`WARNING other machines can not find this image by its source, because its tag was refused: ${asPinlaneError(thrown).problems[0]?.message}`);
  }
};

/** At most so many repositories are named to a registry to mount from: each is a scope of the token that it gives. */
const MOUNTED_FROM = 8;

/**
 * The repositories of the registry that is pushed to whose blobs the image may have: those of its bases, and those that its layers were left in. Most of an image
 * is its base, whose layers are mounted from there.
 */
const mountable = async ({ bases, index }: BuiltImage, { host }: Repository, store: Store): Promise<Repository[]> => {
  const { platforms } = await readImage(store, index);
  const left = await Promise.all(platforms.flatMap(({ manifest }) => manifest.layers.map((layer) => store.imagesOf(layer))));
  const all = [...Object.values(bases).map(parsePinnedReference), ...left.flat()].filter((each) => each.host === host);
  return [...new Map(all.map(({ path }) => [path, { host, path }])).values()].slice(0, MOUNTED_FROM);
};

/**
 * Sees to it that an image of the store is in the repository that it is to be pulled from, whole, read back, and with a protecting tag on
 * every manifest. The journal knows of the push before the registry does, so that a later run finishes a push that was killed, or tags the
 * manifests that it left.
 * @param before the record of the last build: the image may be there already, have been pushed elsewhere, or not at all
 * @throws whatever the registry throws
 */
export const ensurePushed = async (image: BuiltImage, before: BuiltImage, { paths, store, access }: ImageLocations, context: VerbContext): Promise<void> => {
  const { progress, note, signal } = context;
  const writing = { ...access, writes: true };
  const place: JournalPlace = { paths, name: image.name, note, signal };
  const repository = parseRepository(image.repository);
  const registry = openRegistry(repository, { ...writing, mountFrom: await mountable(image, repository, store) });
  const entries = await readJournal(place);
  await nameLeftovers(image, entries, place, writing);
  const recorded = before.pushed && before.repository === image.repository;
  // The task before this one pushed it and read it back, and whoever pins it reads it once more.
  if (recorded && context.afterBuild && entries.some((entry) => entry.state === 'pushed' && isSame(image)(entry))) return;
  const manifests = await manifestsOf(store, image.index);
  if (recorded && (await isWhole(registry, image.index)) && (await allNamed(registry, image, manifests))) return;

  const entry: PushEntry = { repository: image.repository, index: image.index, manifests, state: 'pushing', startedAt: new Date().toISOString() };
  await notePush(place, entry);
  progress(`pushing to ${image.repository}`);
  const lists = publishLists(image, registry, store).catch((thrown: unknown) => {
    // The image is whole without; the next build fetches what it has to know.
    if (!signal.aborted) note(`no list of the base's files was put beside ${image.repository}: ${asPinlaneError(thrown).problems[0]?.message}`);
  });
  await pushImage(store, registry, image.index, { progress, signal, slots: { folder: join(paths.locks, 'push') } }).finally(() => lists);
  await tagFingerprint(registry, image, store, note);
  await notePush(place, { ...entry, state: 'pushed' });
};
