import { join } from 'node:path';

/** Where Pinlane keeps what it makes in a workspace; all of it can be thrown away. */
export interface WorkspacePaths {
  readonly root: string;
  readonly store: string;
  /** The build record of a project. */
  readonly record: (project: string) => string;
  /** The folder of all build records. */
  readonly builds: string;
  readonly locks: string;
  readonly reports: string;
  readonly cache: string;
}

/** See {@link WorkspacePaths}. */
export const workspacePaths = (root: string): WorkspacePaths => ({
  root,
  store: join(root, '.pinlane/store'),
  record: (project) => join(root, '.pinlane/builds', `${project}.json`),
  builds: join(root, '.pinlane/builds'),
  locks: join(root, '.pinlane/locks'),
  reports: join(root, '.pinlane/reports'),
  cache: join(root, '.pinlane/cache'),
});
