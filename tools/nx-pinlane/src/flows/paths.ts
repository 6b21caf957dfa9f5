import { join } from 'node:path';
import { laneRules, type Lane } from '@pinlane/contracts';

/** Where Pinlane keeps what it makes in a workspace; all of it can be thrown away. */
export interface WorkspacePaths {
  readonly root: string;
  readonly store: string;
  /** The build record of a project. */
  readonly record: (project: string) => string;
  /** The folder of all build records. */
  readonly builds: string;
  /** What is under way between push and pin, of a project. */
  readonly journal: (project: string) => string;
  readonly locks: string;
  /** Where new contents of files are prepared; what a killed run leaves there nobody reads. */
  readonly temporary: string;
  readonly reports: string;
  /** What the last `verify-pins` found. */
  readonly pinAudit: string;
  readonly cache: string;
}

/**
 * See {@link WorkspacePaths}. A lane that builds fresh keeps images, records and caches in a folder of its own: what a pull request made is
 * never taken for what was made elsewhere.
 */
export const workspacePaths = (root: string, lane: Lane): WorkspacePaths => {
  const shared = join(root, '.pinlane');
  const own = laneRules(lane).fresh ? join(shared, 'lanes', lane) : shared;
  return {
    root,
    store: join(own, 'store'),
    record: (project) => join(own, 'builds', `${project}.json`),
    builds: join(own, 'builds'),
    journal: (project) => join(shared, 'journal', `${project}.json`),
    locks: join(shared, 'locks'),
    temporary: join(shared, 'locks/tmp'),
    reports: join(shared, 'reports'),
    pinAudit: join(shared, 'reports/pin-audit.json'),
    cache: join(own, 'cache'),
  };
};
