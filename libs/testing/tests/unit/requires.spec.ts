import { afterEach, describe, expect, it } from '@jest/globals';
import { requirement } from '../../src/index.ts';

const run = (): void => {};
const skipped: string[] = [];
const declare = Object.assign(run, { skip: (name: string) => void skipped.push(name) });

describe('a requirement', () => {
  const before = process.env['PINLANE_REQUIRE'];
  afterEach(() => {
    if (before === undefined) delete process.env['PINLANE_REQUIRE'];
    else process.env['PINLANE_REQUIRE'] = before;
  });

  it('declares a suite whose part is there', () => {
    expect(requirement('something', null, declare)).toBe(declare);
  });

  it('skips a suite whose part is missing, and names the part', () => {
    delete process.env['PINLANE_REQUIRE'];
    requirement('something', 'it is not installed', declare)('a suite', run);
    expect(skipped).toEqual(['requires something: a suite']);
  });

  it('fails where the missing part is required', () => {
    process.env['PINLANE_REQUIRE'] = 'docker, something';
    expect(() => requirement('something', 'it is not installed', declare)).toThrow(/names something, .*not installed/);
    expect(() => requirement('else', 'it is not installed', declare)).not.toThrow();
  });
});
