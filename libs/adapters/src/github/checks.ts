import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import type { CheckFacts } from '@pinlane/pipeline';
import type { GitHubClient } from './client.ts';

const PAGE = 100;
/** So many pages of a list are read. */
const PAGES_AT_MOST = 10;

const runsSchema = z.object({
  total_count: z.int().nonnegative(),
  workflow_runs: z.array(
    z.object({
      id: z.int(),
      workflow_id: z.int(),
      run_number: z.int(),
      path: z.string(),
      event: z.string(),
      status: z.string().nullable(),
      conclusion: z.string().nullable(),
      html_url: z.string(),
      head_sha: z.string(),
      head_branch: z.string().nullable(),
    }),
  ),
});
const checkRunsSchema = z.object({
  total_count: z.int().nonnegative(),
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      html_url: z.string().nullable(),
      app: z.object({ slug: z.string().optional() }).nullable(),
    }),
  ),
});
const statusSchema = z.object({
  total_count: z.int().nonnegative(),
  statuses: z.array(z.object({ context: z.string(), state: z.string(), target_url: z.string().nullable() })),
});

/** All pages of a list. @throws ERR_GITHUB_ANSWER if there are more than are read */
const allOf = async <T>(what: string, page: (number: number) => Promise<{ readonly total: number; readonly items: readonly T[] }>): Promise<T[]> => {
  const all: T[] = [];
  for (let number = 1; number <= PAGES_AT_MOST; number += 1) {
    const { total, items } = await page(number);
    all.push(...items);
    if (all.length >= total || items.length === 0) return all;
  }
  return fail('ERR_GITHUB_ANSWER', `${what}: there are more than ${PAGES_AT_MOST * PAGE}`);
};

const stateOf = (isOver: boolean, conclusion: string | null): CheckFacts['state'] => {
  if (!isOver) return 'running';
  if (conclusion === 'success') return 'passed';
  return conclusion === 'neutral' || conclusion === 'skipped' ? 'skipped' : 'failed';
};

/** The newest run of each workflow that a push of a commit to a branch set off. */
const runsOf = async (client: GitHubClient, commit: string, branch: string): Promise<CheckFacts[]> => {
  const what = `the workflow runs of ${commit.slice(0, 12)}`;
  const runs = await allOf(what, async (page) => {
    const { total_count, workflow_runs } = await client.must(what, runsSchema, (octokit) =>
      octokit.rest.actions.listWorkflowRunsForRepo({ ...client.repo, branch, event: 'push', head_sha: commit, per_page: PAGE, page }),
    );
    return { total: total_count, items: workflow_runs };
  });
  const newest = new Map<number, (typeof runs)[number]>();
  for (const run of runs.filter((each) => each.head_sha === commit && each.head_branch === branch && each.event === 'push'))
    if (run.run_number >= (newest.get(run.workflow_id)?.run_number ?? 0)) newest.set(run.workflow_id, run);
  return [...newest.values()].map(({ path, status, conclusion, html_url }) => {
    const state = stateOf(status === 'completed', conclusion);
    return { commit, name: path.split('@')[0]!, state, said: state === 'running' ? (status ?? 'unknown') : (conclusion ?? 'unknown'), url: html_url };
  });
};

/** What others than GitHub Actions checked. A pull request has runs on the same commit, which are told by its own. */
const otherChecksOf = async (client: GitHubClient, commit: string): Promise<CheckFacts[]> => {
  const what = `the checks of ${commit.slice(0, 12)}`;
  const runs = await allOf(what, async (page) => {
    const { total_count, check_runs } = await client.must(what, checkRunsSchema, (octokit) =>
      octokit.rest.checks.listForRef({ ...client.repo, ref: commit, filter: 'latest', per_page: PAGE, page }),
    );
    return { total: total_count, items: check_runs };
  });
  const others = runs.filter(({ app }) => app?.slug !== 'github-actions');
  return others.map(({ name, status, conclusion, html_url }) => {
    const state = stateOf(status === 'completed', conclusion);
    return { commit, name, state, said: state === 'running' ? status : (conclusion ?? 'unknown'), url: html_url };
  });
};

const statusesOf = async (client: GitHubClient, commit: string): Promise<CheckFacts[]> => {
  const what = `the statuses of ${commit.slice(0, 12)}`;
  const statuses = await allOf(what, async (page) => {
    const { total_count, statuses } = await client.must(what, statusSchema, (octokit) =>
      octokit.rest.repos.getCombinedStatusForRef({ ...client.repo, ref: commit, per_page: PAGE, page }),
    );
    return { total: total_count, items: statuses };
  });
  return statuses.map(({ context, state, target_url }) => ({
    commit,
    name: context,
    state: stateOf(state !== 'pending', state),
    said: state,
    url: target_url,
  }));
};

/**
 * All that was checked of a commit of a branch: the newest run of each workflow that its push set off, checks of other apps, and statuses.
 * @throws ERR_GITHUB_DENIED, ERR_GITHUB_REFUSED, ERR_GITHUB_ANSWER, ERR_GITHUB_RATE_LIMITED, ERR_GITHUB_UNAVAILABLE
 */
export const checksOf = async (client: GitHubClient, commit: string, branch: string): Promise<CheckFacts[]> => [
  ...(await runsOf(client, commit, branch)),
  ...(await otherChecksOf(client, commit)),
  ...(await statusesOf(client, commit)),
];
