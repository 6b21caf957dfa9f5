import {
  architectureOf,
  pinVerdict,
  shortDigest,
  type Architecture,
  type Digest,
  type PinFinding,
  type PinName,
  type Platform,
  type ProcessorSpec,
} from '@pinlane/contracts';
import type { SeenImage } from './judge.ts';
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

/** Images that were built from another source than registry.yaml says, or tell none, though it says that of the working tree: somebody edited it. */
const otherClaims = ({ fingerprint, platforms, images }: CheckedPins): string[] =>
  platforms.flatMap((platform) => {
    const image = images[architectureOf(platform)];
    if (image === undefined || image.fingerprint === fingerprint) return [];
    const said = image.fingerprint === null ? 'does not say what it was built from' : `was built from ${shortDigest(image.fingerprint)}`;
    return [`the image pinned for ${platform} ${said}, and registry.yaml says ${shortDigest(fingerprint)}`];
  });

/** What is known of pins, and of the source that they are compared with. */
export interface CheckedPins {
  readonly fingerprint: Digest;
  /** The platforms that must be pinned. */
  readonly platforms: readonly Platform[];
  /** What an audit found. */
  readonly findings: readonly PinFinding[];
  /** The pinned images that it saw. */
  readonly images: Partial<Record<Architecture, SeenImage>>;
}

/** Compares the pins with the fingerprint of the source, and adds what an audit found. */
export const checkPins = (spec: ProcessorSpec, facts: CheckedPins): PinState => {
  const { fingerprint, platforms, findings } = facts;
  const reasons: string[] = [];
  const pins = pinsOf(spec);
  for (const platform of platforms) {
    const pin = pins[architectureOf(platform)];
    if (pin === undefined) reasons.push(`${platform} is not pinned`);
    else reasons.push(...reasonsFor(architectureOf(platform), `the image pinned for ${platform}, ${shortDigest(pin.digest)},`, findings));
  }
  const index = indexPinOf(spec);
  if (index === null) reasons.push('the index is not pinned');
  else reasons.push(...reasonsFor('index', `the pinned index, ${shortDigest(index.digest)},`, findings));
  const built = spec.image?.source?.fingerprint;
  if (built == null) reasons.push('the pins do not say what they were built from');
  else if (built !== fingerprint) reasons.push(`the source has changed since it was pinned (${shortDigest(built as Digest)} -> ${shortDigest(fingerprint)})`);
  else if (!findings.some(({ pin }) => pin === 'index')) reasons.push(...otherClaims(facts));
  return { outcome: reasons.length === 0 ? 'current' : 'stale', reasons };
};
