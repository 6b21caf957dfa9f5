import { existsSync } from 'node:fs';
import { ask } from '@pinlane/adapters';
import { fail } from '@pinlane/contracts';
import type { VerbContext } from '../../command/context.ts';
import { eventOf } from './workflows.ts';
import type { Stage } from './stages.ts';

/** What sets off a workflow: a branch moved, or a pull request was opened. */
export interface Event {
  readonly stage: Stage;
  /** The name of the ref that is checked out. */
  readonly ref: string;
  /** The tip of the branch before, or what the pull request goes to. */
  readonly before: string;
  readonly after: string;
  /** The payload, as far as workflows and act read it. */
  readonly payload: object;
}

/** The repository that people and jobs push to; merges are made in it, as GitHub's button makes them. */
export interface Remote {
  readonly url: string;
  /** Where each branch is. */
  readonly branches: () => Promise<Readonly<Record<string, string>>>;
  /** Brings a change to the branch of a lane, or a pull request of it. One that is there already sets off the same event again. */
  readonly bring: (stage: Stage, from: string) => Promise<Event>;
  /** The workflows of a commit, by their paths. */
  readonly workflows: (commit: string) => Promise<ReadonlyMap<string, string>>;
}

const PULL = 'refs/pull/1/merge';
const REPOSITORY = { full_name: 'rehearsal/workspace', name: 'workspace', owner: { login: 'rehearsal' }, default_branch: 'main', fork: false };
const IDENTITY = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((role) => [
    [`GIT_${role}_NAME`, 'rehearsal'],
    [`GIT_${role}_EMAIL`, 'rehearsal@localhost'],
  ]),
);

/** Git in a folder, as nobody in particular. */
export const gitIn = (folder: string, { env, signal }: Pick<VerbContext, 'env' | 'signal'>) => {
  const outer = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  const answer = (args: readonly string[], input?: string) =>
    ask({
      command: 'git',
      args: ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0', '-c', 'core.quotePath=false', ...args],
      ...{ cwd: folder, env: { ...outer, ...IDENTITY, LC_ALL: 'C' }, timeoutMs: 180_000, maxBytes: 64 * 1024 * 1024, signal },
      ...(input === undefined ? {} : { input }),
    });
  /** @throws ERR_GIT_UNUSABLE, ERR_TOOL_MISSING, ERR_CANCELLED */
  const must = async (args: readonly string[], input?: string): Promise<string> => {
    const { exitCode, stdout, stderr, fault } = await answer(args, input);
    if (exitCode === 0 && fault === null) return stdout.trim();
    if (fault === 'aborted') return fail('ERR_CANCELLED', 'git was interrupted');
    if (fault === 'missing') return fail('ERR_TOOL_MISSING', 'git is not installed, or not on PATH');
    return fail('ERR_GIT_UNUSABLE', `git ${args[0]}: ${stderr.trim() || stdout.trim() || fault}`);
  };
  return { answer, must };
};
type Git = ReturnType<typeof gitIn>;

const tipOf = async ({ answer }: Git, ref: string): Promise<string | null> => {
  const { exitCode, stdout } = await answer(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  return exitCode === 0 ? stdout.trim() : null;
};

/** A merge of a commit into another, as a commit of its own. @throws ERR_GIT_UNUSABLE where they conflict */
const merge = async ({ must }: Git, into: string, from: string, message: string): Promise<string> => {
  const tree = (await must(['merge-tree', '--write-tree', '--allow-unrelated-histories', into, from])).split('\n')[0]!;
  return must(['commit-tree', tree, '-p', into, '-p', from, '-m', message]);
};

const pullRequest = async (git: Git, from: string): Promise<Event> => {
  const before = (await tipOf(git, 'refs/heads/dev'))!;
  const after = await merge(git, before, from, 'Merge the pull request into dev');
  await git.must(['update-ref', PULL, after]);
  const [head, base] = [
    { ref: 'change', sha: from, repo: REPOSITORY },
    { ref: 'dev', sha: before, repo: REPOSITORY },
  ];
  return { stage: 'pr', ref: PULL, before, after, payload: { action: 'opened', number: 1, pull_request: { number: 1, head, base }, repository: REPOSITORY } };
};

/** The last push of a branch is remembered, so that it can be run again when a pin commit stands on top of it. */
const push = async (git: Git, stage: Exclude<Stage, 'pr'>, from: string): Promise<Event> => {
  const [ref, last] = [`refs/heads/${stage}`, `refs/rehearsal/${stage}`];
  const tip = (await tipOf(git, ref))!;
  const again = await tipOf(git, last);
  let [before, after] = [tip, again];
  if (after !== null && (await git.answer(['merge-base', '--is-ancestor', from, after])).exitCode === 0) before = (await tipOf(git, `${after}^1`)) ?? tip;
  else after = await merge(git, tip, from, `Merge into ${stage}`);
  // Of a branch that has it already nothing is moved back.
  if ((await git.answer(['merge-base', '--is-ancestor', after, tip])).exitCode !== 0) await git.must(['update-ref', ref, after]);
  await git.must(['update-ref', last, after]);
  return { stage, ref, before, after, payload: { ref, before, after, created: false, deleted: false, forced: false, repository: REPOSITORY } };
};

/** What nobody has committed is not rehearsed. @returns how many files that is */
export const uncommitted = async (root: string, context: VerbContext): Promise<number> =>
  (await gitIn(root, context).must(['status', '--porcelain'])).split('\n').filter(Boolean).length;

/**
 * Opens the remote in a folder; a new one has branches of the lanes without files, so that everything is a change.
 * @throws ERR_GIT_UNUSABLE, ERR_TOOL_MISSING
 */
export const openRemote = async (folder: string, root: string, context: VerbContext): Promise<{ readonly remote: Remote; readonly head: string }> => {
  const own = gitIn(root, context);
  const head = await own.must(['rev-parse', '--verify', 'HEAD^{commit}']);
  if (!existsSync(folder)) await own.must(['init', '--quiet', '--bare', '--initial-branch=main', folder]);
  const git = gitIn(folder, context);
  await git.must(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await own.must(['push', '--quiet', '--no-verify', '--force', folder, 'HEAD:refs/heads/change']);
  if ((await tipOf(git, 'refs/heads/dev')) === null) {
    const first = await git.must(['commit-tree', await git.must(['hash-object', '-t', 'tree', '-w', '--stdin'], ''), '-m', 'Nothing yet']);
    for (const branch of ['dev', 'staging', 'main']) await git.must(['update-ref', `refs/heads/${branch}`, first]);
  }
  const remote: Remote = {
    url: `file://${folder}`,
    branches: async () => {
      const lines = (await git.must(['for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads'])).split('\n');
      return Object.fromEntries(lines.map((line) => line.split(' ')));
    },
    bring: async (stage, from) => {
      if (stage === 'main' && (await tipOf(git, 'refs/rehearsal/staging')) === null)
        fail('ERR_OPTION_INVALID', 'lane main takes what staging pinned, and this remote has seen no rehearsal of staging', {
          fix: 'Rehearse the whole way, without --lane, or staging before it with the same --state.',
        });
      const commit = await git.must(['rev-parse', '--verify', `${from}^{commit}`]);
      return stage === 'pr' ? pullRequest(git, commit) : push(git, stage, commit);
    },
    workflows: async (commit) => {
      const names = (await git.must(['ls-tree', '--name-only', commit, '.github/workflows/'])).split('\n').filter((name) => /\.ya?ml$/.test(name));
      const texts = await Promise.all(names.map(async (name) => (await git.answer(['cat-file', 'blob', `${commit}:${name}`])).stdout));
      return new Map(names.map((name, at) => [name, texts[at]!]));
    },
  };
  return { remote, head };
};

/** The event's name, for act. */
export const eventNameOf = ({ stage }: Event): string => eventOf(stage);
