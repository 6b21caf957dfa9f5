import { describe, expect, it } from '@jest/globals';
import { cutOff, plainLine, plainText } from '../../src/index.ts';

describe('the plain form of a text that is not trusted', () => {
  it.each([
    ['ordinary text, ünd çharacters of äny language 日本語 🙂', 'ordinary text, ünd çharacters of äny language 日本語 🙂'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['\u009b2J', '\\x9b2J'],
    ['a\rb\bc\u0000', 'a\\x0db\\x08c\\x00'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['a\u200bb\ufeffc\u2028d', 'a\\u{200b}b\\u{feff}c\\u{2028}d'],
    ['half \ud800', 'half \\u{d800}'],
    ['tag \u{e0041}', 'tag \\u{e0041}'],
    ['::error::x\n  ::add-mask::y', '\\::error::x\n  \\::add-mask::y'],
    ['a::b', 'a::b'],
    ['x ##[error]y ##vso[task.z]', 'x #\\#[error]y #\\#vso[task.z]'],
    ['line\nline\ttab', 'line\nline\ttab'],
  ])('of %j', (text, plain) => expect(plainText(text)).toBe(plain));

  it('may be on one line, and is cut off where it is long', () => {
    expect(plainLine('a\nb\tc')).toBe('a\\nb\\tc');
    expect(cutOff('abcdef', 3)).toBe('abc…');
    expect(cutOff('abc', 3)).toBe('abc');
  });

  it('takes time that grows with the text alone', () => {
    const startedAt = performance.now();
    for (const text of ['\u001b'.repeat(2 ** 20), ' '.repeat(2 ** 20), '#'.repeat(2 ** 20), ':'.repeat(2 ** 20), '\n \t'.repeat(2 ** 18)]) plainLine(text);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
