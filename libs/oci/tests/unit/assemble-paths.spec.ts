import { describe, expect, it } from '@jest/globals';
import { below, climbs, folderOf, fromFolder, nameOf, namesOf, withoutDots } from '../../src/assemble/paths.ts';

describe('a path of an image', () => {
  it('is taken apart into its names, and into folder and name', () => {
    expect(['', '/', 'a', '/a/./b//c/', '../a'].map(namesOf)).toEqual([[], [], ['a'], ['a', 'b', 'c'], ['..', 'a']]);
    expect(['', 'a', 'a/b/c'].map((path) => [folderOf(path), nameOf(path)])).toEqual([
      ['', ''],
      ['', 'a'],
      ['a/b', 'c'],
    ]);
  });

  it('is put below a folder, either of which may be the root', () => {
    expect([below('', ''), below('', 'a'), below('a', ''), below('a', 'b/c')]).toEqual(['', 'a', 'a', 'a/b/c']);
  });

  it('loses its dots as Docker cleans it, and never leaves the root', () => {
    expect(['a/../b', './a/./b/', '../../a', 'a/b/../..', '/'].map(withoutDots)).toEqual(['b', 'a/b', 'a', '', '']);
  });

  it('starts at the working directory unless it is absolute', () => {
    expect([fromFolder('/srv/app', 'x'), fromFolder('/srv/app', '../x'), fromFolder('/srv/app', '/x'), fromFolder('/', '.')]).toEqual([
      'srv/app/x',
      'srv/x',
      'x',
      '',
    ]);
  });

  it.each([
    ['a/..', false],
    ['a/../..', true],
    ['../a', true],
    ['a/./../b', false],
    ['a/../../a/b', true],
    ['', false],
  ])('%j climbs out of its folder: %s', (path, expected) => {
    expect(climbs(path)).toBe(expected);
  });
});
