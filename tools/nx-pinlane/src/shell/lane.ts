import { LANES, laneRules } from '@pinlane/contracts';

/** Whether the run's lane takes images as they are pinned and builds none; a lane that nobody knows is for the flow to refuse. */
export const buildsNothing = (env: Readonly<Record<string, string | undefined>>): boolean => {
  const lane = LANES.find((each) => each === env['PINLANE_LANE']?.trim());
  return lane !== undefined && laneRules(lane).builds.length === 0;
};
