import {
  ARCHITECTURES,
  asPinlaneError,
  fail,
  isPinlaneError,
  type Architecture,
  type Lane,
  type PinAuditEntry,
  type PinnedReference,
  type ProcessorSpec,
} from '@pinlane/contracts';
import { verifyImage, type ImageView } from '@pinlane/oci';
import { imagesOfPins, judgePins, listedBy, requirePinned, storePins, type PinnedSpec, type Seen, type SeenPins } from '@pinlane/pipeline';
import { verifyStored } from './hashed-layers.ts';
import { openLocation, type ImageLocations } from './locations.ts';
import { seenImage } from './seen-image.ts';

/** What an audit of many processors remembers, so that it waits for the same thing once. */
export interface AuditMemory {
  /** How often in a row each registry did not answer, whatever it was asked. */
  readonly silent: Map<string, number>;
}

/** A memory that holds nothing yet. */
export const newAuditMemory = (): AuditMemory => ({ silent: new Map() });

/** So often in a row a registry is waited for: about ten seconds each time if it is down, two minutes if it accepts and says nothing, three if it
 * asks to be left alone; and a thousand pins may be in it. */
const PATIENCE = 3;

/** Reads and hashes a pinned image. @throws ERR_REGISTRY_UNAVAILABLE without asking if its registry was silent before, and what `verifyImage` throws */
const verified = async (pin: PinnedReference, locations: ImageLocations, { silent }: AuditMemory): Promise<ImageView> => {
  const location = openLocation(pin, locations);
  const missed = silent.get(pin.host) ?? 0;
  if (missed >= PATIENCE) fail('ERR_REGISTRY_UNAVAILABLE', `${pin.host} did not answer ${PATIENCE} times in a row, and was not asked for ${pin.digest}`);
  try {
    // A registry hashed what was pushed to it; the store is a folder that anything may have written to.
    const view = location === locations.store ? await verifyStored(locations.store, pin.digest) : await verifyImage(location, pin.digest);
    silent.delete(pin.host);
    return view;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_REGISTRY_UNAVAILABLE')) silent.set(pin.host, (silent.get(pin.host) ?? 0) + 1);
    else silent.delete(pin.host);
    throw thrown;
  }
};

/** Looks at one pinned image; whatever keeps it from being looked at is what is seen. @throws only what says that the command was stopped */
const look = async (pin: PinnedReference, locations: ImageLocations, memory: AuditMemory): Promise<Seen> => {
  try {
    const { kind, platforms } = await verified(pin, locations, memory);
    return { kind, images: platforms.map(seenImage) };
  } catch (thrown) {
    if (locations.access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    return { problems: asPinlaneError(thrown).problems };
  }
};

/** Looks at each platform's pin that the pinned index has not answered for. */
const lookAtPlatforms = async (pinned: PinnedSpec, index: Seen | null, locations: ImageLocations, memory: AuditMemory) => {
  const looks = ARCHITECTURES.map(async (architecture): Promise<[Architecture, Seen][]> => {
    const pin = pinned.pins[architecture];
    return pin === undefined || listedBy(index, pinned, architecture) !== null ? [] : [[architecture, await look(pin, locations, memory)]];
  });
  return Object.fromEntries((await Promise.all(looks)).flat());
};

/** Whether a registry did not answer: for what else it has it would be waited as long, and the pins could not be judged without the index. */
const isUnanswered = (seen: Seen): boolean => 'problems' in seen && seen.problems.some(({ code }) => code === 'ERR_REGISTRY_UNAVAILABLE');

/** Looks at all pins of a spec; what the pinned index answers for is looked at once. */
const lookAtPins = async (pinned: PinnedSpec, locations: ImageLocations, memory: AuditMemory): Promise<SeenPins> => {
  const index = pinned.indexPin === null ? null : await look(pinned.indexPin, locations, memory);
  if (index !== null && isUnanswered(index)) return { index, platforms: Object.fromEntries(ARCHITECTURES.map((architecture) => [architecture, index])) };
  return { index, platforms: await lookAtPlatforms(pinned, index, locations, memory) };
};

/** The judgement on a processor's pins, and the images that they name. */
export interface AuditedPins {
  readonly entry: PinAuditEntry;
  readonly images: ReturnType<typeof imagesOfPins>;
}

/**
 * Looks at everything that one registry.yaml pins, whether it is there whole, its bytes have the digest, manifests and configs are for the platform
 * they are pinned for, and the index lists the very manifests that are pinned. Nothing is written, and nothing is asked about pins that the lane refuses.
 */
export const auditPins = async (
  spec: ProcessorSpec,
  { file, lane }: { readonly file: string; readonly lane: Lane },
  locations: ImageLocations,
  memory: AuditMemory = newAuditMemory(),
): Promise<AuditedPins> => {
  const pinned = requirePinned(spec, { file, platforms: [] });
  if (storePins(pinned, lane).length > 0) return { entry: judgePins(pinned, { index: null, platforms: {} }, { file, lane }), images: {} };
  const seen = await lookAtPins(pinned, locations, memory);
  return { entry: judgePins(pinned, seen, { file, lane }), images: imagesOfPins(pinned, seen) };
};
