import {
  ARCHITECTURES,
  asPinlaneError,
  fail,
  formatRepository,
  isPinlaneError,
  pinVerdict,
  platformOf,
  PLATFORMS,
  shortDigest,
  type PinnedReference,
} from '@pinlane/contracts';
import { platformOfImage, readImage, verifyImage, type ImageView, type RegistryRepository } from '@pinlane/oci';
import type { PinnableBase } from '@pinlane/base-node';
import type { VerbContext } from '../command/context.ts';
import { publishBaseLists } from './file-lists.ts';
import { openRegistry, type ImageLocations } from './locations.ts';
import { ensurePushed, nameIfThere } from './push.ts';
import { claimedFingerprint } from './seen-image.ts';
import { assembleBase } from './workspace-base.ts';

/** Makes sure that an image is the base of a lock: for each platform the one that the lock records, and it says so itself. @throws ERR_PIN_UNVERIFIED */
const requireBase = ({ image, fingerprint }: PinnableBase, view: ImageView, where: string): void => {
  for (const architecture of ARCHITECTURES) {
    const found = platformOfImage(view, platformOf(architecture));
    if (found.descriptor.digest !== image.platforms[architecture] || claimedFingerprint(found) !== fingerprint)
      fail('ERR_PIN_UNVERIFIED', `${where} has for ${architecture} another image than the lock records, or one that is of another lock`, {
        fix: 'Run the target update of the base, which records what the lock gives, and look at what it changed.',
      });
  }
};

/** The base in a repository, manifests and configs read and hashed, and its layers asked for; null if it is not there whole. @throws ERR_PIN_UNVERIFIED and what keeps a registry from answering */
const look = async (base: PinnableBase, registry: RegistryRepository, { digest, ...repository }: PinnedReference): Promise<ImageView | null> => {
  try {
    const view = await verifyImage(registry, digest, { platforms: PLATFORMS });
    requireBase(base, view, `${formatRepository(repository)}@${digest}`);
    return view;
  } catch (thrown) {
    // A registry that could not be asked is an error and no answer.
    if (isPinlaneError(thrown) && pinVerdict(thrown.code) === 'gone') return null;
    throw thrown;
  }
};

/** Whether the base of a lock is in a repository, whole. @throws ERR_PIN_UNVERIFIED and what keeps a registry from answering */
export const isBaseThere = async (base: PinnableBase, place: PinnedReference, { access }: ImageLocations): Promise<boolean> =>
  (await look(base, openRegistry(place, access), place)) !== null;

/**
 * Sees to it that the base of a lock is in a repository, whole and with protecting tags: nothing but manifests and configs is read if it is; it is taken from
 * where it is, or assembled, and pushed otherwise, with lists of what is in it.
 * @returns in words how it came to be there
 * @throws ERR_BASE_UNAVAILABLE, ERR_PIN_UNVERIFIED, what assembling and the registry throw
 */
export const ensureBasePushed = async (
  base: PinnableBase,
  place: PinnedReference,
  baseDir: string,
  locations: ImageLocations,
  context: VerbContext,
): Promise<string> => {
  const { image } = base;
  const repository = formatRepository(place);
  const registry = openRegistry(place, { ...locations.access, writes: true });
  context.progress(`asking for the base ${shortDigest(image.index)}`);
  if ((await look(base, registry, place)) !== null) {
    await Promise.all([...Object.values(image.platforms), image.index].map((digest) => nameIfThere(registry, digest)));
    return 'which has it';
  }
  const built = await assembleBase(context.project, baseDir, locations, context);
  if (built.index !== image.index) fail('ERR_BASE_UNAVAILABLE', `the base that was found is ${built.index}, where the lock records ${image.index}`);
  requireBase(base, await readImage(locations.store, image.index, { platforms: PLATFORMS }), 'the store');
  const pushed = { ...built, name: context.project, repository, pushed: true };
  await ensurePushed(pushed, { ...pushed, pushed: false }, locations, context);
  await publishBaseLists(image.index, registry, locations.store).catch((thrown: unknown) => {
    if (context.signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    // The base is whole without; who builds on it fetches what it has to know.
    context.note(`no list of the base's files was put beside ${repository}: ${asPinlaneError(thrown).problems[0]?.message}`);
  });
  if ((await look(base, registry, place)) === null) fail('ERR_PIN_UNVERIFIED', `${repository}@${image.index} is not there although it was pushed`);
  return 'where it was pushed';
};
