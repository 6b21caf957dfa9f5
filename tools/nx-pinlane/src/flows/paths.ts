import { join } from 'node:path';

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
  readonly reports: string;
  /** What the last `verify-pins` found. */
  readonly pinAudit: string;
  readonly cache: string;
}

/** See {@link WorkspacePaths}. */
export const workspacePaths = (root: string): WorkspacePaths => ({
  root,
  store: join(root, '.pinlane/store'),
  record: (project) => join(root, '.pinlane/builds', `${project}.json`),
  builds: join(root, '.pinlane/builds'),
  journal: (project) => join(root, '.pinlane/journal', `${project}.json`),
  locks: join(root, '.pinlane/locks'),
  reports: join(root, '.pinlane/reports'),
  pinAudit: join(root, '.pinlane/reports/pin-audit.json'),
  cache: join(root, '.pinlane/cache'),
});
