import { ARCHITECTURES, fail, isStoreReference, laneRules, parsePinnedReference } from '@pinlane/contracts';
import type { Architecture, Lane, PinnedReference, ProcessorSpec } from '@pinlane/contracts';

declare const pinned: unique symbol;

/** A spec whose image is pinned by digest for every platform and as an index; only {@link requirePinned} makes one. */
export type PinnedSpec = ProcessorSpec & {
  readonly [pinned]: true;
  readonly pins: Readonly<Record<Architecture, PinnedReference>>;
};

/** The pins a spec has, parsed. */
export const pinsOf = (spec: ProcessorSpec): Partial<Record<Architecture, PinnedReference>> => {
  const found: Partial<Record<Architecture, PinnedReference>> = {};
  for (const architecture of ARCHITECTURES) {
    const text = spec.image?.platforms?.[architecture];
    if (text != null) found[architecture] = parsePinnedReference(text);
  }
  return found;
};

/** The pin of the index, parsed. */
export const indexPinOf = (spec: ProcessorSpec): PinnedReference | null => (spec.image?.index == null ? null : parsePinnedReference(spec.image.index));

/** Narrows a spec to a pinned one. @throws ERR_IMAGE_UNPINNED naming everything that lacks a pin */
export const requirePinned = (spec: ProcessorSpec, { file }: { readonly file: string }): PinnedSpec => {
  const pins = pinsOf(spec);
  const platforms = ARCHITECTURES.filter((architecture) => pins[architecture] === undefined).map((each) => `linux/${each}`);
  const lacking = [...platforms, ...(indexPinOf(spec) === null ? ['the index'] : [])];
  if (lacking.length > 0) fail('ERR_IMAGE_UNPINNED', `${spec.ref} has no pin for ${lacking.join(' and ')}`, { file });
  return { ...spec, pins } as PinnedSpec;
};

/** Refuses pins that name the local store in a lane that needs published images. @throws ERR_PIN_LOCAL */
export const requirePublished = (spec: ProcessorSpec, lane: Lane, { file }: { readonly file: string }): void => {
  if (laneRules(lane).acceptsStorePins) return;
  const index = indexPinOf(spec);
  const platforms = Object.entries(pinsOf(spec)).filter(([, pin]) => isStoreReference(pin));
  const local = [...platforms.map(([name]) => `linux/${name}`), ...(index !== null && isStoreReference(index) ? ['the index'] : [])];
  if (local.length > 0)
    fail('ERR_PIN_LOCAL', `the local store is named by ${local.join(' and ')} of ${spec.ref}, and lane ${lane} needs a published image`, { file });
};
