import { describe, expect, it, jest } from '@jest/globals';
import { isPinlaneError } from '@pinlane/contracts';
import { cpuSeconds } from '@pinlane/testing';
import { parseSpec } from '../../src/index.ts';
import { SPEC_LIMIT, TOKEN_LIMIT } from '../../src/spec/syntax.ts';

jest.setTimeout(120_000);

/** A text of just under so many characters: a beginning, pieces, and an end. */
const text = (size: number, [head, piece, tail = '']: Shape): string => {
  const pieces = [head];
  for (let length = head.length + tail.length, at = 0; ; at += 1) {
    const next = typeof piece === 'string' ? piece : piece(at);
    length += next.length;
    if (length > size) return [...pieces, tail].join('');
    pieces.push(next);
  }
};

type Shape = readonly [head: string, piece: string | ((at: number) => string), tail?: string];

const REF = 'ref: a/b@1\n';
const SHAPES: Readonly<Record<string, Shape>> = {
  'many keys': [REF, (at) => `k${at}: 1\n`],
  'many build arguments': [`${REF}build:\n  args:\n`, (at) => `    K${at}: 1\n`],
  'many problems of values': [`${REF}build:\n  args:\n`, (at) => `    K-${at}: 1\n`],
  'many problems of lists': [`${REF}secrets:\n  required:\n`, (at) => `    - a${at}\n`],
  'one key again and again': [REF, 'a: 1\n'],
  anchors: [`${REF}x:\n`, (at) => `  - &a${at} 1\n`],
  'aliases of aliases': ['a0: &a0 [1,1]\n', (at) => `a${at + 1}: &a${at + 1} [*a${at},*a${at},*a${at}]\n`],
  'aliases in brackets': ['ref: &a a/b@1\nx: [', '*a,', ']\n'],
  'merge keys': ['ref: &a a/b@1\nx:\n', '  - <<: *a\n'],
  tags: [`${REF}x:\n`, (at) => `  - !t${at} 1\n`],
  'nested brackets': ['', '['],
  'nested braces': ['', '{a: '],
  'nested dashes': ['', '- '],
  'nested question marks': ['', '? '],
  'closing brackets': ['', ']'],
  'commas in brackets': ['x: [', ','],
  'values in brackets': ['x: [', '1, ', ']\n'],
  'pairs in brackets': ['x: [', 'a: 1, ', ']'],
  'pairs in braces': ['x: {', (at) => `k${at}: 1, `, '}\n'],
  'quoted keys': ['x: [', '"a":1,', ']'],
  'lists where keys should be': ['a: 1\n', '- b\n'],
  'wrong indentation': ['a:\n    b: 1\n', '  c: 1\n'],
  'block scalars': ['', (at) => `k${at}: |\n  a\n`],
  'one long line': ['x: ', 'a '],
  'one long key': ['', 'a ', ': 1'],
  'one long number': ['x: ', '1'],
  'an open quote': ['x: "', 'a\n'],
  'wrong escapes': ['x: "', '\\q', '"'],
  'a block of text': ['x: |\n', '  a\n'],
  'empty lines in a block': ['x: |\n', '\n'],
  comments: ['', '# a\n'],
  documents: ['', 'a: 1\n---\n'],
  directives: ['', '%YAML 1.2\n'],
  tabs: ['', '\ta: 1\n'],
  'carriage returns': ['', '\r'],
  zeros: ['', '\0'],
};

/** Parses a text; how that ended. */
const outcome = (source: string): string => {
  try {
    parseSpec(source, { file: 'registry.yaml' });
    return 'valid';
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    expect(error.problems.length).toBeLessThanOrEqual(50);
    return error.code;
  }
};

describe('a registry.yaml of a mebibyte', () => {
  // On an idle machine each takes a fraction of a second; nothing that is quadratic takes less than a minute.
  it.each(Object.entries(SHAPES))('is done with in a time that its size bounds: %s', async (_, shape) => {
    for (const size of [SPEC_LIMIT, 2 * TOKEN_LIMIT]) {
      const source = text(size, shape);
      let ended = '';
      expect(await cpuSeconds(() => (ended = outcome(source)))).toBeLessThan(10);
      expect(ended).toMatch(/^ERR_REGISTRY_/);
    }
  });

  it('is refused by the limit that it passes: of characters, and of words and marks', () => {
    expect(outcome('#'.repeat(SPEC_LIMIT + 1))).toBe('ERR_REGISTRY_TOO_LARGE');
    expect(outcome(text(SPEC_LIMIT, [REF, 'a: 1\n']))).toBe('ERR_REGISTRY_TOO_LARGE');
    expect(outcome(text(SPEC_LIMIT, ['x: |\n', '  word word word word\n']))).toBe('ERR_REGISTRY_INVALID');
    expect(outcome(text(SPEC_LIMIT, [`${REF}# `, 'long '] as const))).toBe('valid');
  });

  it('may have as many outputs as the schema allows, each with all that can be said of it', () => {
    const outputs = Array.from({ length: 1000 }, (_, at) => `  - path: outputs/of/some/folder/file-${at}.json\n    mime: application/json\n`).join('');
    expect(outcome(`${REF}outputs:\n${outputs}`)).toBe('valid');
  });
});
