import { ARCHITECTURES, fail, isStoreReference, laneRules, parsePinnedReference } from '@pinlane/contracts';
import type { Architecture, Lane, PinnedReference, ProcessorSpec } from '@pinlane/contracts';

declare const pinned: unique symbol;

/** A spec whose image is pinned by digest for every platform; only {@link requirePinned} makes one. */
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

/** Narrows a spec to a pinned one. @throws ERR_IMAGE_UNPINNED naming the platforms that lack a pin */
export const requirePinned = (spec: ProcessorSpec, { file }: { readonly file: string }): PinnedSpec => {
  const pins = pinsOf(spec);
  const lacking = ARCHITECTURES.filter((architecture) => pins[architecture] === undefined);
  if (lacking.length > 0) fail('ERR_IMAGE_UNPINNED', `${spec.ref} has no pin for ${lacking.map((each) => `linux/${each}`).join(' and ')}`, { file });
  return { ...spec, pins } as PinnedSpec;
};

/** Refuses pins that name the local store in a lane that needs published images. @throws ERR_PIN_LOCAL */
export const requirePublished = (spec: ProcessorSpec, lane: Lane, { file }: { readonly file: string }): void => {
  if (laneRules(lane).acceptsStorePins) return;
  const local = Object.entries(pinsOf(spec)).filter(([, pin]) => isStoreReference(pin));
  if (local.length > 0)
    fail(
      'ERR_PIN_LOCAL',
      `${local.map(([name]) => `linux/${name}`).join(' and ')} of ${spec.ref} name the local store, and lane ${lane} needs a published image`,
      { file },
    );
};
