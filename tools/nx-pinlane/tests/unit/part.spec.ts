import { describe, expect, it } from '@jest/globals';
import { errorOfSync } from '@pinlane/testing';
import fc from 'fast-check';
import { partIn, partOf } from '../../src/workspace/part.ts';

describe('the part of a runner', () => {
  it('is none where the variable is unset or empty', () => {
    expect([partIn({}), partIn({ PINLANE_PART: ' ' })]).toEqual([null, null]);
  });

  it('is one of so many', () => {
    expect([partIn({ PINLANE_PART: '2/4' }), partIn({ PINLANE_PART: ' 256/256 ' })]).toEqual([
      { own: 2, of: 4 },
      { own: 256, of: 256 },
    ]);
  });

  it.each(['0/4', '5/4', '1/0', '1/257', '1', '1/2/3', '-1/2', '1.5/2', '1/1e1', 'a/b', '１/2', '$(id)/2', `1/${'9'.repeat(400)}`])('is not %j', (text) => {
    expect(errorOfSync(() => partIn({ PINLANE_PART: text }))).toMatchObject({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining('such as 2/4') });
  });

  it('leaves each project to one of them, whatever it is called', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 256 }), (project, of) => {
        const part = partOf(project, of);
        expect(partOf(project, of)).toBe(part);
        expect(part >= 1 && part <= of).toBe(true);
      }),
    );
  });

  it('is about as large as each other', () => {
    const sizes = new Map<number, number>();
    for (let at = 0; at < 1000; at += 1) sizes.set(partOf(`acme-p${at}`, 4), (sizes.get(partOf(`acme-p${at}`, 4)) ?? 0) + 1);
    for (let part = 1; part <= 4; part += 1) expect(Math.abs(sizes.get(part)! - 250)).toBeLessThan(60);
  });
});
