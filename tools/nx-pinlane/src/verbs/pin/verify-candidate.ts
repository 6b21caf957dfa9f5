import {
  ARCHITECTURES,
  architectureOf,
  digestSchema,
  fail,
  formatRepository,
  parsePinnedReference,
  PinlaneError,
  type Architecture,
  type Lane,
  type PinnedReference,
  type Platform,
  type Problem,
  type ProcessorSpec,
  type Repository,
} from '@pinlane/contracts';
import { composeIndex, platformOfImage, protectingTag, verifyImage, type Descriptor, type ImageView, type PlatformImage } from '@pinlane/oci';
import { ownerProblem, pinsOf, requireMayPush, type PinFacts } from '@pinlane/pipeline';
import { openLocation, openRegistry, type ImageLocation, type ImageLocations } from '../../images/locations.ts';
import { verifyStored } from '../../images/hashed-layers.ts';
import { claimedFingerprint, seenImage } from '../../images/seen-image.ts';

/** An image to pin: where it is, and which of its platforms are to be pinned. */
export interface PinCandidate {
  /** An index, or one platform's manifest. */
  readonly image: PinnedReference;
  /** The platforms to pin; all that the image has if absent. */
  readonly platforms: readonly Platform[] | undefined;
  readonly revision: string | null;
  /** The repository that the pins are to name, if it is another than the one the image is in. */
  readonly publishedAs: string | null;
}

/** What may be written where images are verified. */
export interface VerifyRules {
  readonly lane: Lane;
  /** Nothing is written anywhere. */
  readonly dryRun: boolean;
}

const throwIf = (problem: Problem | null): void => {
  if (problem !== null) throw new PinlaneError(problem);
};

/** The image of a platform that keeps its pin; it must be in the repository of the new image. */
const keptImage = async (
  spec: ProcessorSpec,
  architecture: Architecture,
  candidate: PinCandidate,
  locations: ImageLocations,
): Promise<PlatformImage | null> => {
  const pin = pinsOf(spec)[architecture];
  if (pin === undefined) return null;
  const [here, there] = [candidate.publishedAs ?? formatRepository(candidate.image), formatRepository(pin)];
  const platform = `linux/${architecture}` as const;
  if (here !== there)
    return fail('ERR_PIN_UNVERIFIED', `the pin that ${platform} would keep is in ${there} and the new image in ${here}: no index holds both`, {
      fix: 'Pin every platform at once, without --platforms.',
    });
  return platformOfImage(await verifyImage(openLocation(pin, locations), pin.digest, { platforms: [platform] }), platform);
};

/** The images of all platforms that keep their pin: those that are pinned, and of which the new image has none. */
const keptImages = async (
  spec: ProcessorSpec,
  fresh: ReadonlySet<Architecture>,
  candidate: PinCandidate,
  locations: ImageLocations,
): Promise<ReadonlyMap<Architecture, PlatformImage>> => {
  const kept = new Map<Architecture, PlatformImage>();
  for (const architecture of ARCHITECTURES) {
    if (fresh.has(architecture)) continue;
    const image = await keptImage(spec, architecture, candidate, locations);
    if (image !== null) kept.set(architecture, image);
  }
  return kept;
};

/** Whether an image is an index over so many platforms and nothing else, so that it can be pinned as it is. */
const listsJust = ({ kind, others, index }: ImageView, platforms: number): boolean =>
  kind === 'index' && others.length === 0 && index?.manifests.filter(({ platform }) => platform?.os === 'linux').length === platforms;

/**
 * Puts an index that was composed for a pin beside the images it lists, and reads it back. In a registry it arrives under its protecting tag, so
 * that it is never there without one. @throws ERR_LANE_FORBIDS if the lane does not push
 */
const putComposed = async (
  { descriptor, bytes }: ReturnType<typeof composeIndex>,
  repository: Repository,
  location: ImageLocation,
  { lane, dryRun }: VerifyRules,
  { store, access }: ImageLocations,
): Promise<void> => {
  if (dryRun) return;
  if (location === store) return location.putManifest(descriptor, bytes);
  requireMayPush(lane);
  await openRegistry(repository, access).tag(protectingTag(descriptor.digest), descriptor, bytes);
  await location.readManifest(descriptor.digest);
};

/**
 * Verifies an image and says what pinning it means: every manifest and config is fetched and hashed, each for the platform it is pinned
 * for, and its layers are there, in the store byte for byte. If some platforms keep their pin, or the image is one platform's alone, an index over
 * all that are pinned is composed and put beside them.
 * @throws ERR_PIN_UNVERIFIED, ERR_PLATFORM_MISSING, ERR_LANE_FORBIDS and what reading images throws
 */
export const verifyCandidate = async (spec: ProcessorSpec, candidate: PinCandidate, rules: VerifyRules, locations: ImageLocations): Promise<PinFacts> => {
  const location = openLocation(candidate.image, locations);
  const wanted = candidate.platforms === undefined ? {} : { platforms: candidate.platforms };
  const { digest } = candidate.image;
  // A registry hashed what was pushed to it; the store is a folder that anything may have written to.
  const view = location === locations.store ? await verifyStored(locations.store, digest, wanted) : await verifyImage(location, digest, wanted);
  const fresh = new Map(view.platforms.map((image) => [architectureOf(image.platform), image]));
  for (const image of fresh.values()) throwIf(ownerProblem(spec, seenImage(image)));
  const claims = new Set([...fresh.values()].map(claimedFingerprint));
  const [fingerprint = null] = claims.size === 1 ? claims : [];

  const kept = await keptImages(spec, new Set(fresh.keys()), candidate, locations);
  const pinned: Descriptor[] = ARCHITECTURES.flatMap((each) => fresh.get(each)?.descriptor ?? kept.get(each)?.descriptor ?? []);
  const composed = kept.size === 0 && listsJust(view, fresh.size) ? null : composeIndex(pinned);
  if (composed) await putComposed(composed, candidate.image, location, rules, locations);

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
