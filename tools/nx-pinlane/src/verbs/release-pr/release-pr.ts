import {
  githubPlace,
  openClient,
  openClone,
  putPull,
  remoteAddress,
  type Clone,
  type GitHubClient,
  type GitHubPlace,
  type PullRequest,
} from '@pinlane/adapters';
import { EXIT, fail, PinlaneError, plainLine, type Problem, type Release } from '@pinlane/contracts';
import { pinLines, releaseBody, releaseLink, releaseTitle, releaseTitleStart, RELEASE_MARK, workspaceName, type ReleaseFacts } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { valueOf } from '../../command/environment.ts';
import { tellOutputs } from '../../command/step-outputs.ts';
import { changedPins, releasedApps, releasedCommits, type Tips } from './facts.ts';
import type { ReleasePrOptions } from './options.ts';
import { stagingState } from './staging-state.ts';

/** Where a branch of the remote is. @throws ERR_GIT_UNREACHABLE, ERR_RELEASE_UNKNOWN */
const tipOf = async (branch: string, clone: Clone): Promise<string> => {
  const fetched = await clone.fetchTip(branch);
  if (!('tip' in fetched)) return fail('ERR_GIT_UNREACHABLE', `branch ${branch} can't be fetched: ${fetched.said}`);
  return fetched.tip ?? fail('ERR_RELEASE_UNKNOWN', `the remote has no branch ${branch}`, { fix: 'Push the branch, or name another: --staging, --main.' });
};

/** @throws ERR_RELEASE_OUTDATED if something else than the tip of staging is checked out */
const requireTip = async (branch: string, tip: string, clone: Clone): Promise<void> => {
  const head = await clone.head();
  if (head !== tip) fail('ERR_RELEASE_OUTDATED', `${head.slice(0, 12)} is checked out, and ${branch} is at ${tip.slice(0, 12)}`);
};

/** Whether main has all of staging: its history, or its very files. */
const hasAll = async ({ main, staging }: Tips, clone: Clone): Promise<boolean> =>
  (await clone.isAncestor(staging, main)) || (await clone.differences(main, staging)).length === 0;

/** Whether a pull request was opened by this command, or by its link: by its title, or the mark that its body ends with. */
const isRelease = (start: string) => (pull: PullRequest) => pull.title.startsWith(start) || (pull.body ?? '').trimEnd().endsWith(RELEASE_MARK);

const SAID = {
  opened: 'opened',
  updated: 'brought up to date',
  there: 'open and up to date',
  link: 'to be opened by a person',
  'would-open': 'would be opened',
  nothing: '',
};

const linesOf = (document: Release): string[] => {
  const { outcome, staging, main, pullRequest, link, title, body, reason, changes, commits } = document;
  if (outcome === 'nothing')
    return [`nothing to promote: ${main.branch} at ${main.commit.slice(0, 12)} has all of ${staging.branch} at ${staging.commit.slice(0, 12)}`];
  const at = pullRequest === null ? '' : `: #${pullRequest.number} ${plainLine(pullRequest.url)}`;
  return [
    `${title}, ${SAID[outcome]}${at}`,
    ...(reason === null ? [] : [`why: ${reason}`]),
    ...(outcome === 'link' ? [`open it here: ${link}`] : []),
    ...(outcome === 'would-open' ? ['', ...(body ?? '').split('\n'), ''] : []),
    ...changes.flatMap(pinLines).map((line) => `  ${line}`),
    `  ${commits} commits that ${main.branch} lacks`,
  ];
};

type Put = Pick<Release, 'outcome' | 'reason' | 'pullRequest'>;

/** Opens the pull request, or tells why a person has to. @throws ERR_RELEASE_FOREIGN, ERR_RELEASE_OUTDATED and what GitHub's refusals mean */
const put = async (github: GitHubClient, { staging, main }: ReleaseFacts, title: string, body: string): Promise<Put> => {
  const start = releaseTitleStart(staging.branch, main.branch);
  const done = await putPull(github, { head: staging.branch, base: main.branch, title, body }, isRelease(start));
  if ('said' in done)
    return done.outcome === 'nothing'
      ? { outcome: 'nothing', reason: null, pullRequest: null }
      : { outcome: 'link', reason: `GitHub says: ${done.said}`, pullRequest: null };
  const { outcome, pull } = done;
  if (outcome === 'foreign') return fail('ERR_RELEASE_FOREIGN', `pull request ${pull.number} has a title of its own; one of a release begins with "${start}"`);
  if (pull.head.sha !== staging.commit)
    fail(
      'ERR_RELEASE_OUTDATED',
      `pull request ${pull.number} is open, and ${staging.branch} has moved on to ${plainLine(pull.head.sha).slice(0, 12)} since it was looked at`,
    );
  return { outcome, reason: null, pullRequest: { number: pull.number, url: pull.html_url } };
};

/** All that the pull request tells. @throws everything that is missing at once: ERR_RELEASE_NOT_GREEN, ERR_RELEASE_NOT_IN_SYNC, ERR_RELEASE_UNKNOWN and every doubt about a pin */
const gather = async (tips: Tips, github: GitHubClient | null, clone: Clone, options: ReleasePrOptions, context: VerbContext): Promise<ReleaseFacts> => {
  const state = await stagingState({ tip: tips.staging, clone, github }, options, context);
  if (state.problems.length > 0) throw new PinlaneError(state.problems as [Problem, ...Problem[]]);
  const { promotion, checks, drift } = state;
  const changes = await changedPins(tips, promotion, clone);
  const [apps, commits] = [await releasedApps(context.root, promotion, changes), await releasedCommits(context.root, tips, clone)];
  const { staging, main } = options;
  return { staging: { branch: staging, commit: tips.staging }, main: { branch: main, commit: tips.main }, changes, promotion, apps, commits, checks, drift };
};

const NO_TOKEN = 'there is no token to ask GitHub with (PINLANE_GIT_TOKEN, GITHUB_TOKEN), so the pipeline of staging was not asked about either';

const released = async (facts: ReleaseFacts, { server, owner, name }: GitHubPlace, github: GitHubClient | null, dryRun: boolean): Promise<Release> => {
  const [title, body] = [releaseTitle(facts), releaseBody(facts)];
  const decided: Put = dryRun
    ? { outcome: 'would-open', reason: github === null ? NO_TOKEN : null, pullRequest: null }
    : github === null
      ? { outcome: 'link', reason: NO_TOKEN, pullRequest: null }
      : await put(github, facts, title, body);
  const { staging, main, changes, commits } = facts;
  return {
    ...{ kind: 'Release', schemaVersion: 1, ...decided, staging, main, title, body },
    link: releaseLink(`${server}/${owner}/${name}`, facts, title),
    changes: changes.map(({ file, name: image, before, after }) => ({ file, name: image, before: { ...before }, after: { ...after } })),
    commits: commits.total,
  };
};

/**
 * Opens the pull request that promotes the tip of staging to main, or brings the one up to date that is open. Staging must be green, in sync, and all of its pins
 * accepted. Where nobody but a person may open it, the link that does is told.
 * @throws ERR_RELEASE_OUTDATED, ERR_RELEASE_FOREIGN, ERR_GIT_UNREACHABLE, ERR_OPTION_INVALID; all that is missing at once; and what GitHub's refusals mean
 */
export const releasePr = async (options: ReleasePrOptions, context: VerbContext, wait?: (ms: number) => Promise<void>): Promise<VerbOutcome<Release>> => {
  const { root, env, signal } = context;
  const clone = openClone({ folder: root, remote: options.remote, env, signal, token: valueOf(env, 'PINLANE_GIT_TOKEN') });
  const address = await remoteAddress(root, options.remote);
  const place = githubPlace(env, address === null ? null : workspaceName(address));
  const token = valueOf(env, 'PINLANE_GIT_TOKEN') ?? (env['GITHUB_TOKEN']?.trim() || undefined);
  const github = token === undefined ? null : openClient({ place, token, signal, wait });
  const [staging, main] = [await tipOf(options.staging, clone), await tipOf(options.main, clone)];
  await requireTip(options.staging, staging, clone);
  let document: Release;
  if (await hasAll({ staging, main }, clone)) {
    const sides = { staging: { branch: options.staging, commit: staging }, main: { branch: options.main, commit: main } };
    document = {
      kind: 'Release',
      schemaVersion: 1,
      outcome: 'nothing',
      reason: null,
      ...sides,
      pullRequest: null,
      link: null,
      title: null,
      body: null,
      changes: [],
      commits: 0,
    };
  } else document = await released(await gather({ staging, main }, github, clone, options, context), place, github, options.dryRun === true);
  await tellOutputs(env, { pull_request: document.pullRequest?.url ?? '', link: document.outcome === 'link' ? (document.link ?? '') : '' });
  return { document, lines: linesOf(document), exitCode: EXIT.good };
};
