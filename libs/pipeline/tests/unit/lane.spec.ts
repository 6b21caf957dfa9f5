import { describe, expect, it } from '@jest/globals';
import { LANES, type Lane } from '@pinlane/contracts';
import { laneOf, mayBuild, requireLane, requireMayBuild, requireMayPin, requireMayPush, requireTestsPinned, testsPinned } from '../../src/index.ts';

/** The lanes in which a function does not throw; the others must forbid. */
const lanesThat = (allow: (lane: Lane) => void): Lane[] =>
  LANES.filter((lane) => {
    try {
      allow(lane);
      return true;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'ERR_LANE_FORBIDS', message: expect.stringContaining(`lane ${lane} `) });
      return false;
    }
  });

describe('the lane of a run', () => {
  it.each([
    ['the option', 'dev', 'main', 'dev'],
    ['the variable, if there is no option', undefined, 'main', 'main'],
    ['the variable without the space around it', undefined, ' pr\n', 'pr'],
    ['local, if there is neither', undefined, undefined, 'local'],
    ['local, if the variable is empty', undefined, ' ', 'local'],
    ['no lane, if the option names none', 'prod', 'main', null],
    ['no lane, if the variable names none', undefined, 'LOCAL', null],
    ['no lane, if the option is no text', 1, undefined, null],
  ])('is %s', (_, option, environment, lane) => {
    expect(laneOf(option, environment)).toBe(lane);
  });

  it('is required to be one, and the error quotes no more than the beginning of what was named', () => {
    expect(requireLane(undefined, 'staging')).toBe('staging');
    expect(() => requireLane(undefined, 'x'.repeat(5000))).toThrow(/^ERR_LANE_UNKNOWN: PINLANE_LANE is "x{100}"\n/);
  });
});

describe('what acceptance tests', () => {
  it('is the pinned image in lanes that test pinned images, whatever was asked for, and elsewhere if it was asked for', () => {
    expect(LANES.filter((lane) => testsPinned(lane, undefined))).toEqual(['dev', 'staging', 'main']);
    expect(LANES.filter((lane) => testsPinned(lane, false))).toEqual(['dev', 'staging', 'main']);
    expect(LANES.filter((lane) => testsPinned(lane, true))).toEqual([...LANES]);
  });

  it("can't be asked to be the working tree's image in lanes that test pinned images", () => {
    expect(lanesThat((lane) => requireTestsPinned(lane, false))).toEqual(['local', 'pr']);
    expect(lanesThat((lane) => requireTestsPinned(lane, undefined))).toEqual([...LANES]);
    for (const lane of LANES) expect(requireTestsPinned(lane, true)).toBe(true);
    expect([requireTestsPinned('pr', undefined), requireTestsPinned('pr', false), requireTestsPinned('main', undefined)]).toEqual([false, false, true]);
  });
});

describe('a lane', () => {
  it('builds, pushes and pins only as the table of lanes says', () => {
    expect(LANES.filter(mayBuild)).toEqual(['local', 'pr', 'staging']);
    expect(lanesThat(requireMayBuild)).toEqual(['local', 'pr', 'staging']);
    expect(lanesThat(requireMayPush)).toEqual(['staging']);
    expect(lanesThat(requireMayPin)).toEqual(['local', 'staging']);
  });
});
