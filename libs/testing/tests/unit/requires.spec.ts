import { afterEach, describe, expect, it } from '@jest/globals';
import { requirement } from '../../src/index.ts';

const run = (): void => {};
const skip = (): void => {};
const declare = Object.assign(run, { skip });

describe('a requirement', () => {
  const before = process.env['PINLANE_REQUIRE'];
  afterEach(() => {
    if (before === undefined) delete process.env['PINLANE_REQUIRE'];
    else process.env['PINLANE_REQUIRE'] = before;
  });

  it('declares a suite whose part is there', () => {
    expect(requirement('something', null, declare)).toBe(declare);
  });

  it('skips a suite whose part is missing', () => {
    delete process.env['PINLANE_REQUIRE'];
    expect(requirement('something', 'it is not installed', declare)).toBe(skip);
  });

  it('fails where the missing part is required', () => {
    process.env['PINLANE_REQUIRE'] = 'docker, something';
    expect(() => requirement('something', 'it is not installed', declare)).toThrow(/names something, .*not installed/);
    expect(requirement('else', 'it is not installed', declare)).toBe(skip);
  });
});
