import { posix } from 'node:path';
import { commitsBetween, type Clone } from '@pinlane/adapters';
import { fail, type PromotionReport } from '@pinlane/contracts';
import {
  appNameOf,
  environmentOf,
  hostingOf,
  pinFileName,
  pinValues,
  samePins,
  type PinChange,
  type PinFileName,
  type PinValues,
  type ReleasedApp,
  type ReleaseFacts,
  type WatchedCommit,
} from '@pinlane/pipeline';
import { asPinCommit } from '../../workspace/pin-commits.ts';
import { readSpecFile } from '../../workspace/spec-file.ts';

/** So many commits are listed; more are counted. */
const COMMITS_AT_MOST = 200;
/** So many pin commits in a row are looked behind. */
const PIN_COMMITS_AT_MOST = 50;

/** The tips of both branches. */
export interface Tips {
  readonly staging: string;
  readonly main: string;
}

/** The pins of a file at a commit; none where there is no such file, or what is there is none. */
const pinsAt = async (commit: string, path: string, kind: PinFileName, clone: Clone): Promise<PinValues> => {
  const stored = await clone.fileOf(commit, path);
  const text = stored && (await clone.text(stored.blob));
  try {
    return text === null ? {} : pinValues(text, path, kind);
  } catch {
    return {};
  }
};

/** Every file of the workspace whose pins are others on staging than on main. */
export const changedPins = async ({ staging, main }: Tips, { entries }: Pick<PromotionReport, 'entries'>, clone: Clone): Promise<PinChange[]> => {
  const prefix = await clone.prefix();
  const changes: PinChange[] = [];
  for (const { path } of await clone.differences(main, staging)) {
    const kind = pinFileName(path);
    if (kind === null || !path.startsWith(prefix)) continue;
    const [before, after] = await Promise.all([pinsAt(main, path, kind, clone), pinsAt(staging, path, kind, clone)]);
    const file = path.slice(prefix.length);
    const name = entries.find((entry) => entry.file === file)?.ref ?? posix.dirname(file);
    if (!samePins(before, after)) changes.push({ file, name, before, after });
  }
  return changes;
};

/** What would run in main of each processor. */
export const releasedApps = async (root: string, { entries }: Pick<PromotionReport, 'entries'>, changes: readonly PinChange[]): Promise<ReleasedApp[]> => {
  const environment = environmentOf('main');
  const apps: ReleasedApp[] = [];
  for (const { file, ref, pins } of entries) {
    if (ref === null || environment === null) continue;
    const adapter = hostingOf(undefined, (await readSpecFile(root, file)).spec);
    const pin = adapter === 'modal' ? 'amd64' : 'index';
    const path = pin === 'index' ? 'image.index' : `image.platforms.${pin}`;
    const change = changes.find((each) => each.file === file);
    const after = pins[pin] ?? null;
    const app = appNameOf(ref, environment, { branch: undefined, user: '' });
    apps.push({
      ref,
      app,
      adapter,
      environment,
      platform: adapter === 'modal' ? 'linux/amd64' : null,
      digest: after,
      before: change === undefined ? after : (change.before[path] ?? null),
    });
  }
  return apps;
};

/** The commits that main lacks. @throws ERR_GIT_UNUSABLE */
export const releasedCommits = async (root: string, { staging, main }: Tips, clone: Clone): Promise<ReleaseFacts['commits']> => {
  const listed = await commitsBetween(root, { from: main, to: staging, atMost: COMMITS_AT_MOST });
  if (listed.told === null) return fail('ERR_GIT_UNUSABLE', `git log: ${listed.reason}`);
  const { total, commits } = listed.told;
  const shown = [];
  for (const each of commits) shown.push({ ...each, pins: (await asPinCommit(each.commit, clone)) !== null });
  return { total, shown };
};

/**
 * The commits whose checks tell whether staging is green: its tip; where that is a pin commit, the one that was built for it; and the last one that was pushed
 * before the pins, which has a pipeline of its own.
 * @throws ERR_RELEASE_UNKNOWN if there are only pin commits for as far as is looked
 */
export const watchedCommits = async (tip: string, clone: Clone): Promise<WatchedCommit[]> => {
  const pushed = new Set<string>();
  const pins: string[] = [];
  let commit = tip;
  for (let count = 0; count <= PIN_COMMITS_AT_MOST; count += 1) {
    const found = await asPinCommit(commit, clone);
    if (found === null) {
      pushed.add(commit);
      return [...pins.map((each) => ({ commit: each, pushed: false })), ...[...pushed].map((each) => ({ commit: each, pushed: true }))];
    }
    pins.push(commit);
    pushed.add(found.source);
    commit = (await clone.about(commit)).parents[0]!;
  }
  return fail('ERR_RELEASE_UNKNOWN', `the last ${PIN_COMMITS_AT_MOST} commits of staging are pin commits, and nobody pushed one between`);
};
