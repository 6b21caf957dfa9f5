import {
  architectureOf,
  ARCHITECTURES,
  fail,
  formatRepository,
  platformOf,
  quoted,
  shortDigest,
  slugOf,
  type Architecture,
  type Digest,
  type Lane,
  type PinAuditEntry,
  type PinFinding,
  type PinName,
  type Platform,
  type Problem,
  type ProcessorSpec,
} from '@pinlane/contracts';
import { namedPins, outcomeOf } from './audit.ts';
import { storePins, type PinnedSpec } from './pinned.ts';

/** The parts of a platform's image that a judgement depends on. */
export interface SeenImage {
  /** The manifest's digest. */
  readonly digest: Digest;
  readonly platform: Platform;
  /** The source that the image says it was built from; null if it says nothing. */
  readonly fingerprint: Digest | null;
  /** The slug of the processor that the image says it is of; null if it says nothing. */
  readonly title: string | null;
}

/** What a look at a pinned digest found: the image of one platform, an index of several, or the problems that it met. */
export type Seen =
  { readonly kind: 'index' | 'manifest'; readonly images: readonly SeenImage[] } | { readonly problems: readonly Pick<Problem, 'code' | 'message'>[] };

/** Why an image is not one of a spec's processor. Null if it is one, or if Pinlane did not build it: such an image does not tell. */
export const ownerProblem = (spec: ProcessorSpec, { digest, fingerprint, title }: SeenImage): Problem | null =>
  fingerprint !== null && title !== null && title !== slugOf(spec.ref)
    ? { code: 'ERR_PIN_UNVERIFIED', message: `${digest} is an image of ${quoted(title, 200)}, not of ${slugOf(spec.ref)}` }
    : null;

const unverified = (pin: PinName, message: string): PinFinding => ({ pin, code: 'ERR_PIN_UNVERIFIED', message });

const problemsOf = (pin: PinName, problems: Extract<Seen, { problems: unknown }>['problems']): PinFinding[] =>
  problems.map(({ code, message }) => ({ pin, code, message }));

/** The caller looks at every pin that is judged; a pin that was forgotten must not pass for a good one. */
const requireSeen = (pin: PinName, seen: Seen | null | undefined): Seen => seen ?? fail('ERR_INTERNAL', `the pin of ${pin} is judged and was not looked at`);

/** The images that the pinned index lists; null if no index was found there. */
const imagesListed = (index: Seen | null): readonly SeenImage[] | null => (index !== null && 'images' in index && index.kind === 'index' ? index.images : null);

const imageFor = (architecture: Architecture, images: readonly SeenImage[] | null): SeenImage | undefined =>
  images?.find(({ platform }) => platform === platformOf(architecture));

/** The image that the pinned index lists for a platform, if that is the manifest that is pinned, in the same repository: then the pin needs no own look. */
export const listedBy = (index: Seen | null, { pins, indexPin }: PinnedSpec, architecture: Architecture): SeenImage | null => {
  const [pin, listed] = [pins[architecture], imageFor(architecture, imagesListed(index))];
  if (pin === undefined || indexPin === null || listed?.digest !== pin.digest) return null;
  return formatRepository(pin) === formatRepository(indexPin) ? listed : null;
};

const judgeIndex = ({ indexPin }: PinnedSpec, index: Seen | null): PinFinding[] => {
  if (indexPin === null) return [];
  const seen = requireSeen('index', index);
  if ('problems' in seen) return problemsOf('index', seen.problems);
  return seen.kind === 'index' ? [] : [unverified('index', `${shortDigest(indexPin.digest)} is one platform's manifest, and an index is to be pinned here`)];
};

/** The judgement of one platform's pin; the image is null if the pin may not name it. */
interface Judged {
  readonly image: SeenImage | null;
  readonly findings: readonly PinFinding[];
}

const accepted = (image: SeenImage): Judged => ({ image, findings: [] });
const refused = (...findings: readonly PinFinding[]): Judged => ({ image: null, findings });

/** A finding if there is an index and it does not list the very manifest that is pinned. */
const judgeListing = (architecture: Architecture, digest: Digest, index: Seen | null): PinFinding[] => {
  const images = imagesListed(index);
  const listed = imageFor(architecture, images);
  if (images === null || listed?.digest === digest) return [];
  const there = listed === undefined ? 'does not list it' : `lists ${shortDigest(listed.digest)}`;
  return [unverified(architecture, `${shortDigest(digest)} is pinned for ${platformOf(architecture)}, and the pinned index ${there}`)];
};

/** A platform's pin that was looked at by itself. */
const judgeAlone = (architecture: Architecture, digest: Digest, seen: Seen): Judged => {
  if ('problems' in seen) return refused(...problemsOf(architecture, seen.problems));
  const [image] = seen.images;
  if (seen.kind === 'index' || image === undefined)
    return refused(unverified(architecture, `${shortDigest(digest)} is an index, and a platform's manifest is to be pinned here`));
  if (architectureOf(image.platform) !== architecture) return refused(unverified(architecture, `${shortDigest(digest)} is an image for ${image.platform}`));
  return accepted(image);
};

const judgePlatform = (pinned: PinnedSpec, architecture: Architecture, index: Seen | null, alone: Seen | undefined): Judged => {
  const pin = pinned.pins[architecture];
  if (pin === undefined) return refused();
  const listed = listedBy(index, pinned, architecture);
  const { image, findings } = listed === null ? judgeAlone(architecture, pin.digest, requireSeen(architecture, alone)) : accepted(listed);
  const all = [...judgeListing(architecture, pin.digest, index), ...findings];
  const foreign = image === null ? null : ownerProblem(pinned, image);
  return foreign === null ? { image, findings: all } : refused(...all, unverified(architecture, foreign.message));
};

/** Compares the fingerprint in registry.yaml with those of the images: if it was edited, source that was never built could pass for built. */
const judgeSource = ({ image }: ProcessorSpec, images: readonly SeenImage[]): PinFinding[] => {
  const claims = new Set(images.map(({ fingerprint }) => fingerprint));
  const [claim] = claims;
  const written = image?.source?.fingerprint;
  if (claims.size !== 1 || claim == null || written == null || claim === written) return [];
  return [unverified('index', `registry.yaml says that the images were built from ${shortDigest(written as Digest)}, and they say ${shortDigest(claim)}`)];
};

/** Peculiarities that are no faults. Pins may name another repository than image.repository, because --registry pins elsewhere on purpose. */
const remarksOn = ({ image, pins, indexPin }: PinnedSpec, index: Seen | null): string[] => {
  const repositories = new Set([...Object.values(pins), ...(indexPin === null ? [] : [indexPin])].map(formatRepository));
  const said = image?.repository;
  const elsewhere = [...repositories].filter((repository) => said !== undefined && repository !== said);
  const unpinned = (imagesListed(index) ?? []).filter(({ platform }) => pins[architectureOf(platform)] === undefined).map(({ platform }) => platform);
  return [
    ...elsewhere.map((repository) => `the pins name ${repository}, and image.repository is ${said}`),
    ...(repositories.size > 1 ? [`the pins name several repositories: ${[...repositories].join(', ')}`] : []),
    ...unpinned.map((platform) => `the pinned index also lists ${platform}, which is not pinned`),
  ];
};

/** What was seen of a spec's pins: of the index, if it is pinned, and of each pinned platform for which {@link listedBy} has no image. */
export interface SeenPins {
  readonly index: Seen | null;
  readonly platforms: Partial<Record<Architecture, Seen>>;
}

/** The image of each pinned platform, if it is there and the pin may name it. */
export const imagesOfPins = (pinned: PinnedSpec, { index, platforms }: SeenPins): Partial<Record<Architecture, SeenImage>> =>
  Object.fromEntries(
    ARCHITECTURES.flatMap((each) => {
      const { image } = judgePlatform(pinned, each, index, platforms[each]);
      return image === null ? [] : [[each, image]];
    }),
  );

/**
 * Judges everything that one registry.yaml pins. If the lane does not take some of its pins, they are bad without a look at any image.
 * @throws ERR_INTERNAL if one of them is missing
 */
export const judgePins = (pinned: PinnedSpec, seen: SeenPins, { file, lane }: { readonly file: string; readonly lane: Lane }): PinAuditEntry => {
  const pins = namedPins(pinned);
  const about = { file, ref: pinned.ref, pins };
  const local = storePins(pinned, lane);
  if (local.length > 0) {
    const message = `it names the local store, and lane ${lane} needs a published image`;
    return { ...about, outcome: 'bad', findings: local.map((pin) => ({ pin, code: 'ERR_PIN_LOCAL', message })), remarks: [] };
  }
  const judged = ARCHITECTURES.map((architecture) => judgePlatform(pinned, architecture, seen.index, seen.platforms[architecture]));
  const images = judged.flatMap(({ image }) => image ?? []);
  const findings = [...judgeIndex(pinned, seen.index), ...judged.flatMap((each) => each.findings), ...judgeSource(pinned, images)];
  return { ...about, outcome: outcomeOf(findings, Object.keys(pins).length), findings, remarks: remarksOn(pinned, seen.index) };
};
