import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { problemsOf } from '@pinlane/testing';
import { parseIgnore, type Judged } from '../../src/context/ignore.ts';

/** Written by the program beside it. */
const expected = JSON.parse(readFileSync(join(import.meta.dirname, '../oracles/dockerignore/expected.json'), 'utf8')) as {
  readonly patternmatcher: string;
  readonly paths: readonly string[];
  readonly cases: readonly { readonly file: string; readonly ignored: string }[];
};

/** The paths that a .dockerignore leaves out, or `error`. */
const ignoredOf = (text: string, paths: readonly string[]): readonly string[] | 'error' => {
  try {
    const ignore = parseIgnore(text, '.dockerignore');
    const judged = new Map<string, Judged>();
    for (const path of paths) judged.set(path, ignore.judge(path, judged.get(posix.dirname(path))));
    return paths.filter((path) => judged.get(path)!.ignored);
  } catch {
    return 'error';
  }
};

const bitsOf = (hex: string, paths: readonly string[]): readonly string[] | 'error' =>
  hex === 'error' ? 'error' : paths.filter((_, at) => (BigInt(`0x${hex}`) >> BigInt(at)) % 2n === 1n);

const problems = (text: string) => problemsOf(() => parseIgnore(text, '.dockerignore'));

describe('parseIgnore', () => {
  const { cases, paths, patternmatcher } = expected;

  it(`leaves out what moby's patternmatcher ${patternmatcher} leaves out`, () => {
    expect(cases.length).toBeGreaterThan(800);
    const wrong = cases.flatMap(({ file, ignored }) => {
      const [found, wanted] = [ignoredOf(file, paths), bitsOf(ignored, paths)];
      return JSON.stringify(found) === JSON.stringify(wanted) ? [] : [{ file, found, wanted }];
    });
    expect(wrong).toEqual([]);
  });

  it('walks into every ignored folder that holds what is not ignored', () => {
    const wrong = cases.flatMap(({ file, ignored }) => {
      const left = bitsOf(ignored, paths);
      if (left === 'error') return [];
      const { mayHold } = parseIgnore(file, '.dockerignore');
      const kept = paths.filter((path) => !left.includes(path));
      return left.filter((folder) => !mayHold(folder) && kept.some((path) => path.startsWith(`${folder}/`))).map((folder) => ({ file, folder }));
    });
    expect(wrong).toEqual([]);
  });

  it.each(['!', '! ', '!/', 'a\n!', '[]a]', '[', '[a', '[z-a]', 'a\\', '\\8', '[[:none:]]', '\\pL'])('refuses %j, with its line', async (text) => {
    const line = text.split('\n').length;
    expect(await problems(text)).toMatchObject([{ code: 'ERR_CONTEXT_INVALID', file: '.dockerignore', line }]);
  });

  it.each([
    ['a line that is too long', `a\n${'x'.repeat(65_536)}\n`, 2, /line of more than 65535 bytes/],
    ['too many patterns', 'a\n'.repeat(1001), 1001, /more than 1000 patterns/],
  ])('refuses %s', async (_, text, line, message) => {
    expect(await problems(text)).toMatchObject([{ line, message: expect.stringMatching(message) }]);
  });

  it.each([
    ['stars', `${'*a'.repeat(200)}*b`],
    ['stars in every folder', `**/${'*a'.repeat(200)}*b`],
    ['folders', `${'a**'.repeat(300)}b`],
    ['folders in a row', `${'**/'.repeat(20_000)}*b`],
    ['a line of stars as long as it may be', '*a'.repeat(32_000)],
    ['a large set', `[${'az'.repeat(30_000)}]*b`],
    ['names of sets that are not closed', `[${'[:a'.repeat(20_000)}]`],
    ['many patterns', `${'*a*a*a*a*b\n'.repeat(1000)}`],
    ['many exceptions', `${'**/*a*a*a*b\n!**/*a*a*b\n'.repeat(500)}`],
  ])('compares long paths with %s, or gives up by name, with work in bounds', async (_, text) => {
    const ignore = parseIgnore(text, '.dockerignore');
    const found = await problemsOf(() => {
      for (let at = 0; at < 100; at += 1) ignore.judge(`${'a'.repeat(50 + at)}/${'a'.repeat(200)}c`);
    });
    if (found.length > 0) expect(found).toMatchObject([{ code: 'ERR_CONTEXT_INVALID', message: expect.stringMatching(/take too long/) }]);
  });
});
