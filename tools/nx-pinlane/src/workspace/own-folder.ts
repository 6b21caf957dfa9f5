import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANES, laneRules, type Lane } from '@pinlane/contracts';

/** The folder, below the workspace's root, of everything that Pinlane makes for itself. */
export const OWN_FOLDER = '.pinlane';

/**
 * The folder of all that a lane keeps and believes later. A lane that builds fresh has one of its own: what a pull request leaves is read by no other lane.
 */
export const laneFolder = (root: string, lane: Lane): string => (laneRules(lane).fresh ? join(root, OWN_FOLDER, 'lanes', lane) : join(root, OWN_FOLDER));

/** The same by PINLANE_LANE alone, for what is found out before any option is read. */
export const laneFolderBy = (root: string, env: Readonly<Record<string, string | undefined>>): string =>
  laneFolder(root, LANES.find((lane) => lane === env['PINLANE_LANE']) ?? 'local');

/** Keeps what Pinlane makes out of git, in a workspace whose own .gitignore does not name it. Where that can't be written, nothing can. */
export const hideFromGit = (root: string): void => {
  try {
    mkdirSync(join(root, OWN_FOLDER), { recursive: false });
  } catch {
    // It is there, or the next line fails as well.
  }
  try {
    writeFileSync(join(root, OWN_FOLDER, '.gitignore'), '*\n', { flag: 'wx' });
  } catch {
    // Either it is there, or whoever writes into the folder next says why it can't be written.
  }
};
