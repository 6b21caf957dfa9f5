import {
  ARCHITECTURES,
  architectureOf,
  digestSchema,
  fail,
  formatRepository,
  parsePinnedReference,
  slugOf,
  type Architecture,
  type Digest,
  type Lane,
  type PinnedReference,
  type Platform,
  type ProcessorSpec,
  type Repository,
} from '@pinlane/contracts';
import { composeIndex, platformOfImage, protectingTag, verifyImage, type Descriptor, type PlatformImage, type Store } from '@pinlane/oci';
import { pinsOf, type PinFacts } from '@pinlane/pipeline';
import { openImagePlace, type ImagePlace } from './image-source.ts';
import { openRegistry, type RegistryAccess } from './registries.ts';
import { requireMayPush } from './settings.ts';

/** The label in which every image says what it was built from. */
const FINGERPRINT_LABEL = 'dev.pinlane.fingerprint';

/** What an image says it was built from; null where it says nothing that can be believed. */
export const claimedFingerprint = ({ config }: PlatformImage): Digest | null => {
  const said = digestSchema.safeParse(config.config?.Labels?.[FINGERPRINT_LABEL]);
  return said.success ? said.data : null;
};

/** An image that Pinlane built says for whom; one that was built elsewhere says nothing, and may be anyone's. */
export const requireOwn = (spec: ProcessorSpec, image: PlatformImage): void => {
  const title = image.config.config?.Labels?.['org.opencontainers.image.title'];
  if (claimedFingerprint(image) !== null && title !== undefined && title !== slugOf(spec.ref))
    fail('ERR_PIN_UNVERIFIED', `${image.descriptor.digest} is an image of ${JSON.stringify(title.slice(0, 200))}, not of ${slugOf(spec.ref)}`);
};

/** An image to pin: where it is, and which of its platforms are to be pinned. */
export interface PinCandidate {
  /** An index, or one platform's manifest. */
  readonly image: PinnedReference;
  /** The platforms to pin; those that the image has where absent. */
  readonly platforms: readonly Platform[] | undefined;
  readonly revision: string | null;
  /** The repository that the pins are to name where it is another than the one the image is in. */
  readonly publishedAs: string | null;
}

/** Where images are verified, and what may be done there. */
export interface VerifySite {
  readonly store: Store;
  readonly access: RegistryAccess;
  readonly lane: Lane;
  /** Nothing is written anywhere. */
  readonly dryRun: boolean;
}

/** A platform that keeps its pin, as it is in the place where the new image is. */
const keptImage = async (
  spec: ProcessorSpec,
  architecture: Architecture,
  candidate: PinCandidate,
  { store, access }: VerifySite,
): Promise<PlatformImage | null> => {
  const pin = pinsOf(spec)[architecture];
  if (pin === undefined) return null;
  const [here, there] = [candidate.publishedAs ?? formatRepository(candidate.image), formatRepository(pin)];
  const platform = `linux/${architecture}` as const;
  if (here !== there)
    return fail('ERR_PIN_UNVERIFIED', `the pin that ${platform} would keep is in ${there} and the new image in ${here}: no index holds both`, {
      fix: 'Pin every platform at once, without --platforms.',
    });
  return platformOfImage(await verifyImage(openImagePlace(pin, store, access), pin.digest, { platforms: [platform] }), platform);
};

/**
 * Puts an index that was composed for a pin beside the images it lists, and reads it back. In a registry it comes under its protecting tag, so
 * that it is never there without. @throws ERR_LANE_FORBIDS where the lane does not push
 */
const putComposed = async (
  { descriptor, bytes }: ReturnType<typeof composeIndex>,
  repository: Repository,
  place: ImagePlace,
  { store, access, lane, dryRun }: VerifySite,
): Promise<void> => {
  if (dryRun) return;
  if (place === store) return place.putManifest(descriptor, bytes);
  requireMayPush(lane);
  await openRegistry(repository, access).tag(protectingTag(descriptor.digest), descriptor, bytes);
  await place.readManifest(descriptor.digest);
};

/**
 * Verifies an image and says what pinning it means: every manifest and config is fetched and hashed, each for the platform it is pinned
 * for, its layers are there, in the store each of their bytes. Where some platforms keep their pin, or the image is one platform's alone, an index over all that are pinned
 * is composed and put beside them.
 * @throws ERR_PIN_UNVERIFIED, ERR_PLATFORM_MISSING, ERR_LANE_FORBIDS and what reading images throws
 */
export const verifyCandidate = async (spec: ProcessorSpec, candidate: PinCandidate, site: VerifySite): Promise<PinFacts> => {
  const { store, access } = site;
  const place = openImagePlace(candidate.image, store, access);
  const view = await verifyImage(place, candidate.image.digest, {
    ...(candidate.platforms === undefined ? {} : { platforms: candidate.platforms }),
    // A registry hashed what was pushed to it; the store is a folder that anything may have written to.
    ...(place === store ? { blobs: 'hashed' } : {}),
  });
  const fresh = new Map(view.platforms.map((image) => [architectureOf(image.platform), image]));
  for (const image of fresh.values()) requireOwn(spec, image);
  const claims = new Set([...fresh.values()].map(claimedFingerprint));
  const [fingerprint = null] = claims.size === 1 ? claims : [];

  const kept = new Map<Architecture, PlatformImage>();
  for (const architecture of ARCHITECTURES) {
    if (fresh.has(architecture)) continue;
    const image = await keptImage(spec, architecture, candidate, site);
    if (image !== null) kept.set(architecture, image);
  }
  const pinned: Descriptor[] = ARCHITECTURES.flatMap((each) => fresh.get(each)?.descriptor ?? kept.get(each)?.descriptor ?? []);
  const whole =
    view.kind === 'index' &&
    kept.size === 0 &&
    view.others.length === 0 &&
    view.index?.manifests.filter(({ platform }) => platform?.os === 'linux').length === fresh.size;
  const composed = whole ? null : composeIndex(pinned);
  if (composed) await putComposed(composed, candidate.image, place, site);

  return {
    repository: candidate.publishedAs ?? formatRepository(candidate.image),
    platforms: Object.fromEntries([...fresh].map(([architecture, { descriptor }]) => [architecture, descriptor.digest])),
    index: composed?.descriptor.digest ?? candidate.image.digest,
    fingerprint,
    revision: candidate.revision,
    kept: Object.fromEntries([...kept].map(([architecture, image]) => [architecture, claimedFingerprint(image)])),
  };
};

/** The image that --digest names. @throws ERR_REFERENCE_INVALID */
export const namedImage = (text: string): PinnedReference => {
  const bare = digestSchema.safeParse(text);
  if (!bare.success) return parsePinnedReference(text);
  return fail('ERR_REFERENCE_INVALID', `--digest: ${text} does not say of which repository`, {
    fix: `Write it before the digest, as in ghcr.io/owner/name@${text}.`,
  });
};
