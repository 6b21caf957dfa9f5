import { describe, expect, it } from '@jest/globals';
import { runs } from '@pinlane/testing';
import fc from 'fast-check';
import { PinlaneError } from '@pinlane/contracts';
import { ExpansionError, expandWord } from '../../src/dockerfile/expand.ts';
import { parseDockerfile, requireEmbeddable } from '../../src/index.ts';

const piece = fc.constantFrom(
  'FROM',
  'scratch',
  'COPY',
  'ENV',
  'A=1',
  '"',
  "'",
  '\\',
  '\n',
  ' ',
  '$',
  '{',
  '}',
  ':-',
  '#',
  '--from=',
  '<<EOF',
  'EOF',
  '[',
  ']',
  ',',
  '=',
  'AS',
  '\r',
  '\t',
  '`',
  '# escape=`\n',
  'RUN',
  'x',
);
const soup = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
  fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(' ')),
);

const orKnown = (kind: abstract new (...args: never[]) => Error, work: () => void): void => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
  }
};

describe('a Dockerfile of any text', () => {
  it('is parsed, or refused with codes and places, and nothing else happens', () => {
    fc.assert(
      fc.property(soup, (text) => {
        orKnown(PinlaneError, () => requireEmbeddable(parseDockerfile(text, 'Dockerfile'), { A: text }, ['linux/amd64', 'linux/arm64']));
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is expanded word by word, or refused', () => {
    fc.assert(
      fc.property(soup, (text) => orKnown(ExpansionError, () => expandWord(text, (name) => (name === 'x' ? 'y' : undefined)))),
      { numRuns: runs(1000) },
    );
  });
});

describe('expandWord', () => {
  it('gives back any text that stands in single quotes', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("'")),
        (text) => {
          expect(expandWord(`'${text}'`, () => 'never')).toBe(text);
        },
      ),
    );
  });

  it('gives back any text of which each character is escaped', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(expandWord([...text].map((char) => `\\${char}`).join(''), () => 'never')).toBe(text);
      }),
    );
  });

  it('puts a value in unchanged, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(expandWord('<$x|${x}|"$x">', () => value)).toBe(`<${value}|${value}|${value}>`);
      }),
    );
  });
});
