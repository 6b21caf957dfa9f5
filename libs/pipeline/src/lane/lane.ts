import { fail, laneRules, LANES, quoted, type Lane } from '@pinlane/contracts';

const named = (option: unknown, environment: string | undefined): unknown => option ?? (environment?.trim() || 'local');

/** The lane of a run: the option, else the value of PINLANE_LANE, else `local`. Null if there is no lane of that name. */
export const laneOf = (option: unknown, environment: string | undefined): Lane | null => LANES.find((lane) => lane === named(option, environment)) ?? null;

/** The lane of a run, as {@link laneOf} finds it. @throws ERR_LANE_UNKNOWN if there is no lane of that name */
export const requireLane = (option: Lane | undefined, environment: string | undefined): Lane =>
  laneOf(option, environment) ?? fail('ERR_LANE_UNKNOWN', `PINLANE_LANE is ${quoted(named(option, environment))}`);

/** Whether acceptance tests the pinned image: always in a lane that tests pinned images, elsewhere if it was asked for. */
export const testsPinned = (lane: Lane, asked: boolean | undefined): boolean => laneRules(lane).imageUnderTest === 'pinned' || asked === true;

/** As {@link testsPinned}. @throws ERR_LANE_FORBIDS if the working tree's image is asked for in a lane that tests pinned images */
export const requireTestsPinned = (lane: Lane, asked: boolean | undefined): boolean => {
  if (asked === false && laneRules(lane).imageUnderTest === 'pinned') fail('ERR_LANE_FORBIDS', `lane ${lane} tests the pinned image and no other`);
  return testsPinned(lane, asked);
};

/** Whether a lane builds images; otherwise it uses the pinned ones. */
export const mayBuild = (lane: Lane): boolean => laneRules(lane).builds.length > 0;

/** @throws ERR_LANE_FORBIDS if the lane does not build */
export const requireMayBuild = (lane: Lane): void => {
  if (!mayBuild(lane)) fail('ERR_LANE_FORBIDS', `lane ${lane} builds nothing: it uses the images that are pinned`);
};

/** @throws ERR_LANE_FORBIDS if the lane does not push */
export const requireMayPush = (lane: Lane): void => {
  if (!laneRules(lane).mayPush) fail('ERR_LANE_FORBIDS', `lane ${lane} pushes nothing`);
};

/** @throws ERR_LANE_FORBIDS if the lane does not write pins */
export const requireMayPin = (lane: Lane): void => {
  if (laneRules(lane).writesPins === 'no') fail('ERR_LANE_FORBIDS', `lane ${lane} writes no pins`);
};
