import { describe as suite, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PinlaneError } from '@pinlane/contracts';
import { parseStrictJson } from '../../src/content/strict-json.ts';

/** What a text is read as: its value, or why it is refused. */
const outcome = (text: string) => {
  try {
    return { value: parseStrictJson(() => 'it', Buffer.from(text)) };
  } catch (error) {
    return { refused: (error as PinlaneError).message };
  }
};

const key = fc.oneof(fc.constantFrom('__proto__', 'toJSON', 'a', 'b', '1', 'ſ', 'constructor'), fc.string({ unit: 'binary', maxLength: 3 }));
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1e21, 1e-7, 5e-324, 1.7976931348623157e308));
const half = fc.constantFrom('\ud800', '\udfff', '\ud83d\ude00', '\u0000', '\u2028', '\ufeff', '"\\');
const { document } = fc.letrec<{ document: string }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(number, half, fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)).map((value) => JSON.stringify(value)),
    fc.array(tie('document'), { maxLength: 4 }).map((each) => `[${each.join(',')}]`),
    // Text by text, so that keys may be repeated and none is lost.
    fc.array(fc.tuple(key, tie('document')), { maxLength: 4 }).map((each) => `{${each.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
  ),
}));
const nested = fc.tuple(fc.integer({ min: 95, max: 105 }), document).map(([depth, inner]) => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`);

suite('JSON with one meaning', () => {
  it('is read alike with and without a space behind it, as JavaScript writes it and as it does not', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: document }, nested), (text) => {
        expect(outcome(text)).toEqual(outcome(`${text} `));
      }),
    );
  });

  it('is refused, and nothing worse, when it is nested as deep as there is room', () => {
    const deep = '['.repeat(1_000_000);
    expect(outcome(`${deep}${']'.repeat(deep.length)}`)).toEqual({ refused: expect.stringContaining('nested deeper than 100 levels') });
  });
});
