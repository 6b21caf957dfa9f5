import {
  cutOff,
  pinVerdict,
  plainLine,
  type DriftReport,
  type HostingName,
  type Platform,
  type Problem,
  type PromotionReport,
  type Ref,
} from '@pinlane/contracts';
import type { PinChange } from '../pin/pin-commit.ts';

/** One thing that checked a commit: a run of a workflow, the check of another app, a status. Names and words are other people's text. */
export interface CheckFacts {
  readonly commit: string;
  readonly name: string;
  readonly state: 'passed' | 'skipped' | 'running' | 'failed';
  /** In GitHub's words: `success`, `in_progress`, `cancelled`. */
  readonly said: string;
  readonly url: string | null;
}

/** A commit that has to be green: what was pushed, which has a pipeline of its own; or a pin commit, which need not have one. */
export interface WatchedCommit {
  readonly commit: string;
  readonly pushed: boolean;
}

/** What would run in main of one processor. */
export interface ReleasedApp {
  readonly ref: Ref;
  readonly app: string;
  readonly adapter: HostingName;
  readonly environment: string;
  /** Null if the machine that it is deployed to decides. */
  readonly platform: Platform | null;
  /** The digest that would be deployed; null if nothing is pinned for it. */
  readonly digest: string | null;
  /** What main pins now; null if it does not. */
  readonly before: string | null;
}

/** A commit of the list; subject and author are anybody's text. */
export interface ReleasedCommit {
  readonly commit: string;
  readonly subject: string;
  readonly author: string;
  /** Whether it holds pins and nothing else. */
  readonly pins: boolean;
}

/** All that a pull request from staging to main tells. */
export interface ReleaseFacts {
  readonly staging: { readonly branch: string; readonly commit: string };
  readonly main: { readonly branch: string; readonly commit: string };
  readonly changes: readonly PinChange[];
  readonly promotion: Pick<PromotionReport, 'entries'>;
  readonly apps: readonly ReleasedApp[];
  readonly commits: { readonly total: number; readonly shown: readonly ReleasedCommit[] };
  /** Null if GitHub was not asked, because there was no token. */
  readonly checks: readonly CheckFacts[] | null;
  readonly drift: readonly DriftReport[];
}

/** How old a report of drift may be, in milliseconds: a day. */
export const DRIFT_AGE_AT_MOST = 24 * 60 * 60 * 1000;

const short = (commit: string): string => commit.slice(0, 12);
const said = (text: string): string => cutOff(plainLine(text), 100);

/**
 * What keeps staging from being green: a check that failed or still runs, or a push of which no check has succeeded. A commit that a job pushed with its own
 * token has no pipeline, so a pin commit needs no check of its own.
 */
export const notGreen = (watched: readonly WatchedCommit[], checks: readonly CheckFacts[]): Problem[] => {
  const bad = checks.filter(({ state }) => state === 'failed' || state === 'running');
  const unchecked = watched.filter(({ commit, pushed }) => pushed && !checks.some((check) => check.commit === commit && check.state !== 'skipped'));
  return [
    ...bad.map(({ name, commit, state, said: words, url }): Problem => {
      const where = url === null ? '' : `, ${said(url)}`;
      return {
        code: 'ERR_RELEASE_NOT_GREEN',
        message: `${said(name)} ${state === 'running' ? 'still runs' : 'did not succeed'} on ${short(commit)} (${said(words)}${where})`,
      };
    }),
    ...unchecked.map(({ commit }): Problem => ({ code: 'ERR_RELEASE_NOT_GREEN', message: `no check has succeeded on ${short(commit)}, which was pushed` })),
  ];
};

const driftProblem = ({ at, adapter, verdict, entries }: DriftReport): Problem[] => {
  const bad = entries.filter((entry) => entry.verdict !== 'in-sync').map((entry) => `${said(entry.app)} is ${entry.verdict}`);
  const apps = `${bad.slice(0, 10).join(', ')}${bad.length > 10 ? ` and ${bad.length - 10} more` : ''}`;
  if (verdict === 'in-sync') return [];
  if (verdict === 'drift') return [{ code: 'ERR_RELEASE_NOT_IN_SYNC', message: `staging on ${adapter}, as it was at ${at}: ${apps}` }];
  return [{ code: 'ERR_RELEASE_UNKNOWN', message: `what runs in staging on ${adapter} could not be told at ${at}: ${apps}` }];
};

/**
 * The reports of drift that count for a commit of staging: the newest of each platform that is about this very commit and not older than a day; and what they
 * say against it.
 * @param reports of any environment, in any order
 * @param now in milliseconds since 1970
 */
export const driftOfRelease = (
  reports: readonly DriftReport[],
  { commit, now }: { readonly commit: string; readonly now: number },
): { readonly drift: DriftReport[]; readonly problems: Problem[] } => {
  const ofStaging = reports.filter(({ environment }) => environment === 'staging').toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const ofCommit = ofStaging.filter(({ revision, at }) => revision === commit && now - Date.parse(at) <= DRIFT_AGE_AT_MOST);
  const drift = ofCommit.filter((report, at) => ofCommit.findIndex(({ adapter }) => adapter === report.adapter) === at);
  if (drift.length > 0) return { drift, problems: drift.flatMap(driftProblem) };
  const [newest] = ofStaging;
  const other = newest === undefined ? 'there is none' : `the newest is of ${newest.revision === null ? 'no commit' : short(newest.revision)}, at ${newest.at}`;
  return { drift, problems: [{ code: 'ERR_RELEASE_UNKNOWN', message: `no report of drift of the last day is about ${short(commit)}: ${other}` }] };
};

/** Every doubt about the pins of staging's tip, with its place. What says that a pinned image is gone or wrong is a verdict here, whatever it is elsewhere. */
export const promotionProblems = ({ entries }: Pick<PromotionReport, 'entries'>): Problem[] =>
  entries.flatMap(({ file, findings }) =>
    findings.map(({ code, message, line, column }): Problem => {
      const place = { file, line, column };
      return pinVerdict(code) === null ? { code, message, ...place } : { code: 'ERR_NOT_PROMOTED', message: `${code}: ${message}`, ...place };
    }),
  );

/** How the title of every release begins, by which its pull request is known. */
export const releaseTitleStart = (staging: string, main: string): string => `Promote ${staging} → ${main} @ `;

/** The title of the pull request that promotes a commit. */
export const releaseTitle = ({ staging, main }: Pick<ReleaseFacts, 'staging' | 'main'>): string =>
  `${releaseTitleStart(staging.branch, main.branch)}${short(staging.commit)}`;
