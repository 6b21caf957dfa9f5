import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { differInPinsOnly, mergedSide, pinCommitMessage, pinTrailers, pinValues, samePins, withPinValues, type PinValues } from '../../src/index.ts';

const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const pin = hex(64).map((digest) => `ghcr.io/acme/one@sha256:${digest}`);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const pins: fc.Arbitrary<PinValues> = fc.record({
  'image.platforms.amd64': maybe(pin),
  'image.platforms.arm64': maybe(pin),
  'image.index': maybe(pin),
  'image.source.fingerprint': maybe(hex(64).map((digest) => `sha256:${digest}`)),
  'image.source.revision': maybe(hex(40)),
});
const side = maybe(fc.constantFrom('ours' as const, 'theirs' as const));
const other = (each: 'ours' | 'theirs' | null) => (each === null ? null : each === 'ours' ? 'theirs' : 'ours');
const text = fc.constantFrom(
  'ref: acme/one@1\n',
  'ref: acme/one@1 # a comment\r\nimage:\r\n  repository: ghcr.io/acme/one # where\r\nruntime: { cpu: 2 }\r\n',
  'ref: acme/one@1\nimage: { platforms: { amd64: null }, index: null }\n# the end\n',
);

describe('the merge of pins', () => {
  it('takes all pins of one side: what one side changed alone, whatever the order is', () => {
    fc.assert(
      fc.property(pins, pins, side, side, (base, changed, replaced, descends) => {
        fc.pre(!samePins(base, changed));
        expect(mergedSide({ base, ours: changed, theirs: base }, { replaced, descends })).toBe('ours');
        expect(mergedSide({ base, ours: base, theirs: changed }, { replaced, descends })).toBe('theirs');
        expect(mergedSide({ base, ours: changed, theirs: changed }, { replaced, descends })).toBe('ours');
      }),
      { numRuns: 200 },
    );
  });

  it('comes out the same seen from the other side, and a person decides if history does not', () => {
    fc.assert(
      fc.property(pins, pins, pins, side, side, (base, ours, theirs, replaced, descends) => {
        fc.pre(!samePins(base, ours) && !samePins(base, theirs) && !samePins(ours, theirs));
        const found = mergedSide({ base, ours, theirs }, { replaced, descends });
        expect(found).toBe(replaced ?? descends);
        expect(mergedSide({ base, ours: theirs, theirs: ours }, { replaced: other(replaced), descends: other(descends) })).toBe(other(found));
      }),
      { numRuns: 200 },
    );
  });
});

describe('pins of a text', () => {
  it('are written and read again, and nothing else changes', () => {
    fc.assert(
      fc.property(text, pins, pins, (before, one, two) => {
        const first = withPinValues(before, one, 'registry.yaml', 'registry.yaml');
        const second = withPinValues(first, two, 'registry.yaml', 'registry.yaml');
        expect(samePins(pinValues(second, 'registry.yaml', 'registry.yaml'), two)).toBe(true);
        expect(differInPinsOnly(before, second, 'registry.yaml', 'registry.yaml')).toBe(true);
        expect(withPinValues(second, two, 'registry.yaml', 'registry.yaml')).toBe(second);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the trailers of a pin commit', () => {
  it('are read as they were written, whatever the run is called; a body that looks like them is none', () => {
    fc.assert(
      fc.property(hex(40), maybe(fc.string({ unit: 'binary', maxLength: 60 })), (source, run) => {
        const message = pinCommitMessage('staging', [], { source, run });
        expect(pinTrailers(message)?.source).toBe(source);
        expect(pinTrailers(`${message}\nSigned-off-by: somebody\n`)).toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});
