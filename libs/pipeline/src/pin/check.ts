import { architectureOf, pinVerdict, shortDigest, type Digest, type PinFinding, type PinName, type Platform, type ProcessorSpec } from '@pinlane/contracts';
import { indexPinOf, pinsOf } from './pinned.ts';

/** Whether the pins are those of the source, and every reason why they are not. */
export interface PinState {
  readonly outcome: 'current' | 'stale';
  readonly reasons: readonly string[];
}

/** The reasons why one pin is stale. @param what the pinned image, in words */
const reasonsFor = (pin: PinName, what: string, findings: readonly PinFinding[]): string[] => {
  const own = findings.filter((finding) => finding.pin === pin);
  const others = own.filter(({ code }) => pinVerdict(code) !== 'gone').map(({ code, message }) => (code === 'ERR_PIN_LOCAL' ? `${pin}: ${message}` : message));
  return [...(own.length > others.length ? [`${what} is gone, or a part of it`] : []), ...others];
};

/** Compares the pins with the fingerprint of the source, and adds what an audit found. */
export const checkPins = (spec: ProcessorSpec, facts: { fingerprint: Digest; platforms: readonly Platform[]; findings: readonly PinFinding[] }): PinState => {
  const reasons: string[] = [];
  const pins = pinsOf(spec);
  for (const platform of facts.platforms) {
    const pin = pins[architectureOf(platform)];
    if (pin === undefined) reasons.push(`${platform} is not pinned`);
    else reasons.push(...reasonsFor(architectureOf(platform), `the image pinned for ${platform}, ${shortDigest(pin.digest)},`, facts.findings));
  }
  const index = indexPinOf(spec);
  if (index === null) reasons.push('the index is not pinned');
  else reasons.push(...reasonsFor('index', `the pinned index, ${shortDigest(index.digest)},`, facts.findings));
  const built = spec.image?.source?.fingerprint;
  if (built == null) reasons.push('the pins do not say what they were built from');
  else if (built !== facts.fingerprint)
    reasons.push(`the source has changed since it was pinned (${shortDigest(built as Digest)} -> ${shortDigest(facts.fingerprint)})`);
  return { outcome: reasons.length === 0 ? 'current' : 'stale', reasons };
};
