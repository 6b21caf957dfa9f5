import { describe, expect, it } from '@jest/globals';
import { ExpansionError, expandWord } from '../../src/dockerfile/expand.ts';

const variables: Record<string, string> = { x: 'one', empty: '', path: '/a b', n1: 'deep' };
const expand = (text: string) => expandWord(text, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));

describe('expandWord', () => {
  it.each([
    ['plain', 'plain'],
    ['$x', 'one'],
    ['${x}', 'one'],
    ['a${x}b$x', 'aonebone'],
    ['$xb', ''],
    ['$unset', ''],
    ['${unset:-word}', 'word'],
    ['${empty:-word}', 'word'],
    ['${empty-word}', ''],
    ['${x:-word}', 'one'],
    ['${x:+word}', 'word'],
    ['${unset:+word}', ''],
    ['${empty:+word}', ''],
    ['${empty+word}', 'word'],
    ['${unset:-${x}/${n1}}', 'one/deep'],
    ['${unset:-"a}b"}', 'a}b'],
    ['"$path"', '/a b'],
    ["'$path'", '$path'],
    ['\\$x', '$x'],
    ['"\\$x \\" \\\\ \\n"', '$x " \\ \\n'],
    ['a\\ b', 'a b'],
    ["'a\\'", 'a\\'],
    ['ends with $', 'ends with $'],
    ['$.', '$.'],
    ['${x:?message}', 'one'],
  ])('makes %s into %j', (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  it.each(['${', '${x', '${x:-a', '${}', '"open', "'open", '${x:=1}', '${unset:?it is needed}'])('refuses %s', (text) => {
    expect(() => expand(text)).toThrow(ExpansionError);
  });

  it('gives the message of ${x:?message}', () => {
    expect(() => expand('${unset:?it is needed}')).toThrow('unset: it is needed');
  });

  it('says of patterns that Docker knows them', () => {
    expect(() => expand('${x#o*}')).toThrow(expect.objectContaining({ unsupported: true }));
  });

  it('uses the escape character of the file', () => {
    expect(expandWord('`$x\\$x', (name) => variables[name], '`')).toBe('$x\\one');
  });

  it('refuses nesting without end instead of failing on the stack', () => {
    expect(() => expand('${a:-'.repeat(100_000))).toThrow(ExpansionError);
  });
});
