import { ARCHITECTURES, architectureOf, fail, isStoreReference, laneRules, parsePinnedReference, PIN_NAMES, PLATFORMS, platformOf } from '@pinlane/contracts';
import type { Architecture, Lane, PinName, PinnedReference, Platform, ProcessorSpec } from '@pinlane/contracts';

/** Parsed pins, for each platform that has one. */
export type Pins = Partial<Record<Architecture, PinnedReference>>;

declare const pinned: unique symbol;

/** A spec that has all the pins that were required. Only {@link requirePinned} makes one. */
export type PinnedSpec = ProcessorSpec & {
  readonly [pinned]: true;
  readonly pins: Readonly<Pins>;
  readonly indexPin: PinnedReference | null;
};

/** Parses the pins of a spec's platforms. */
export const pinsOf = (spec: ProcessorSpec): Pins => {
  const found: Pins = {};
  for (const architecture of ARCHITECTURES) {
    const text = spec.image?.platforms?.[architecture];
    if (text != null) found[architecture] = parsePinnedReference(text);
  }
  return found;
};

/** Parses the pin of a spec's index; null if it has none. */
export const indexPinOf = (spec: ProcessorSpec): PinnedReference | null => (spec.image?.index == null ? null : parsePinnedReference(spec.image.index));

/** The names of the pins that a lane does not take, because they name the local store and the lane needs published images. */
export const storePins = ({ pins, indexPin }: Pick<PinnedSpec, 'pins' | 'indexPin'>, lane: Lane): PinName[] => {
  if (laneRules(lane).acceptsStorePins) return [];
  return PIN_NAMES.filter((name) => {
    const pin = name === 'index' ? indexPin : pins[name];
    return pin != null && isStoreReference(pin);
  });
};

const spoken = (name: PinName): string => (name === 'index' ? 'the index' : platformOf(name));

/**
 * Narrows a spec to a pinned one.
 * @param needs `platforms`: those that must be pinned, which may be none; if absent, every platform and the index. `lane`: the lane that must take the pins,
 * if any
 * @throws ERR_IMAGE_UNPINNED naming everything that lacks a pin, ERR_PIN_LOCAL if the lane needs published images
 */
export const requirePinned = (
  spec: ProcessorSpec,
  { file, platforms, lane }: { readonly file: string; readonly platforms?: readonly Platform[]; readonly lane?: Lane },
): PinnedSpec => {
  const [pins, indexPin] = [pinsOf(spec), indexPinOf(spec)];
  const lacking: string[] = (platforms ?? PLATFORMS).filter((platform) => pins[architectureOf(platform)] === undefined);
  if (platforms === undefined && indexPin === null) lacking.push('the index');
  if (lacking.length > 0) fail('ERR_IMAGE_UNPINNED', `${spec.ref} has no pin for ${lacking.join(' and ')}`, { file });
  const local = lane === undefined ? [] : storePins({ pins, indexPin }, lane);
  if (local.length > 0)
    fail('ERR_PIN_LOCAL', `the local store is named by ${local.map(spoken).join(' and ')} of ${spec.ref}, and lane ${lane} needs a published image`, { file });
  return { ...spec, pins, indexPin } as PinnedSpec;
};
