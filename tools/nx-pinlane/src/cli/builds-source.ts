import { laneOf, mayBuild, testsPinned } from '@pinlane/pipeline';

/**
 * Whether a command, around which there is no task graph, needs the source bundled: if it makes an image of it, in the lane of its options, else of the
 * run, and if it compares the source with the pins. A lane that nobody knows is for the verb to refuse.
 */
export const buildsSource = (verb: string, options: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string | undefined>>): boolean => {
  const lane = laneOf(options['lane'], env['PINLANE_LANE']);
  const pinned = options['pinned'] === true;
  if (verb === 'acceptance') return !(lane === null ? pinned : testsPinned(lane, pinned));
  if (verb === 'pin' && (options['check'] === true || options['reproduce'] === true)) return true;
  return (verb === 'buildx' || verb === 'pin') && (lane === null || mayBuild(lane));
};
