import { join } from 'node:path';
import type { DeployEnvironment, Lane } from '@pinlane/contracts';
import { laneFolder, OWN_FOLDER } from './own-folder.ts';

/** Where Pinlane keeps what it makes in a workspace; all of it can be thrown away. */
export interface WorkspacePaths {
  readonly root: string;
  readonly store: string;
  /** The build record of a project. */
  readonly record: (project: string) => string;
  /** The record of a project's last bundle. */
  readonly bundle: (project: string) => string;
  /** The folder of all build records. */
  readonly builds: string;
  /** The pushes of a project that are not pinned yet. */
  readonly journal: (project: string) => string;
  /** The marks of pins that were begun and did not end well, one file for each project. */
  readonly unfinished: string;
  readonly locks: string;
  /** Where new contents of files are prepared; nobody reads what a killed run leaves there. */
  readonly temporary: string;
  readonly reports: string;
  /** The report of the last `verify-pins`. */
  readonly pinAudit: string;
  /** The report of a processor's last `drift`. */
  readonly drift: (project: string) => string;
  /** The newest report of each kind that a processor's deployment left, whichever verb wrote it. */
  readonly deployed: (project: string, what: 'deployment' | 'secrets' | 'smoke' | 'probe') => string;
  /** The reports of `drift-report` on an environment, one file for each, whose names sort as they were made. */
  readonly driftHistory: (environment: DeployEnvironment) => string;
  /** What the page of drift takes of earlier reports. */
  readonly driftInShort: string;
  /** The report of the last `commit-pins`. */
  readonly pinCommit: string;
  /** The report of the last `promotion`. */
  readonly promotion: string;
  readonly cache: string;
  /** The apps that are deployed to this machine. */
  readonly deployments: string;
  /** The locks of apps, wherever they are deployed. */
  readonly appLocks: string;
  /** Where the images are unpacked that apps of this machine run in. */
  readonly appRoots: string;
  /** What is kept of apps on Modal: a key, and marks of secrets that were stored from here. */
  readonly modal: string;
  /** What `doctor --modal` made on an account and has not removed yet. */
  readonly doctor: string;
}

/**
 * See {@link WorkspacePaths}. A lane that builds fresh keeps images, records and caches in a folder of its own: no other lane ever uses an image
 * that a pull request made.
 */
export const workspacePaths = (root: string, lane: Lane): WorkspacePaths => {
  const shared = join(root, OWN_FOLDER);
  const own = laneFolder(root, lane);
  return {
    root,
    store: join(own, 'store'),
    record: (project) => join(own, 'builds', `${project}.json`),
    bundle: (project) => join(shared, 'cache/bundles', `${project}.json`),
    builds: join(own, 'builds'),
    journal: (project) => join(shared, 'journal', `${project}.json`),
    unfinished: join(shared, 'unfinished'),
    locks: join(shared, 'locks'),
    temporary: join(shared, 'locks/tmp'),
    reports: join(shared, 'reports'),
    pinAudit: join(shared, 'reports/pin-audit.json'),
    drift: (project) => join(shared, 'reports', project, 'drift.json'),
    deployed: (project, what) => join(shared, 'reports', project, `${what}.json`),
    driftHistory: (environment) => join(shared, 'reports/drift', environment),
    driftInShort: join(shared, 'cache/drift-history.json'),
    pinCommit: join(shared, 'reports/pin-commit.json'),
    promotion: join(shared, 'reports/promotion.json'),
    cache: join(own, 'cache'),
    deployments: join(shared, 'deployments'),
    appLocks: join(shared, 'locks'),
    appRoots: join(own, 'cache/rootfs'),
    modal: join(shared, 'modal'),
    doctor: join(shared, 'doctor'),
  };
};
