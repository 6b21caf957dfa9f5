import { architectureOf, shortDigest, type Digest, type Platform, type ProcessorSpec } from '@pinlane/contracts';
import { indexPinOf, pinsOf } from './pinned.ts';

/** Whether source and pins have parted, and every way in which they have. */
export interface PinState {
  readonly outcome: 'current' | 'stale';
  readonly reasons: readonly string[];
}

/** Compares pins with the source's fingerprint and with what is there. `isPresent` tells of a digest whether its image is there and whole. */
export const checkPins = (
  spec: ProcessorSpec,
  facts: { fingerprint: Digest; platforms: readonly Platform[]; isPresent: (digest: Digest) => boolean },
): PinState => {
  const reasons: string[] = [];
  const pins = pinsOf(spec);
  for (const platform of facts.platforms) {
    const pin = pins[architectureOf(platform)];
    if (pin === undefined) reasons.push(`${platform} is not pinned`);
    else if (!facts.isPresent(pin.digest)) reasons.push(`the image pinned for ${platform}, ${shortDigest(pin.digest)}, is gone`);
  }
  const index = indexPinOf(spec);
  if (index === null) reasons.push('the index is not pinned');
  else if (!facts.isPresent(index.digest)) reasons.push(`the pinned index, ${shortDigest(index.digest)}, is gone`);
  const built = spec.image?.source?.fingerprint;
  if (built == null) reasons.push('the pins do not say what they were built from');
  else if (built !== facts.fingerprint)
    reasons.push(`the source has changed since it was pinned (${shortDigest(built as Digest)} -> ${shortDigest(facts.fingerprint)})`);
  return { outcome: reasons.length === 0 ? 'current' : 'stale', reasons };
};
