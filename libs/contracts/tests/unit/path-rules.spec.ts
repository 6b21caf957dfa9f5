import { describe, expect, it } from '@jest/globals';
import { leadsOut, staysBelow } from '../../src/index.ts';

describe('a written path', () => {
  it.each([
    ['a/b', true],
    ['..a/b..', true],
    ['a/./b', true],
    ['/a', false],
    ['..', false],
    ['a/../../b', false],
    ['a/..', false],
  ])('%j stays below its folder: %s', (path, expected) => {
    expect(staysBelow(path)).toBe(expected);
  });
});

describe('a path between two folders', () => {
  it.each([
    ['', false],
    ['a/b', false],
    ['..a', false],
    ['..', true],
    ['../a', true],
    ['..\\a', true],
  ])('%j leads out of the first: %s', (path, expected) => {
    expect(leadsOut(path)).toBe(expected);
  });
});
