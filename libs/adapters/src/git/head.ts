import { ask, type Answer } from '../process/index.ts';

/** The commit that is checked out; null, with the reason, if there is none to name. */
export type HeadRevision = { readonly revision: string } | { readonly revision: null; readonly reason: string };

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;

/** Asks git in a folder, in English; of history as it was made, whatever this clone has in the place of a commit. */
export const askGit = (folder: string, args: readonly string[], timeoutMs = 10_000): Promise<Answer> =>
  ask({ command: 'git', args, cwd: folder, env: { ...process.env, LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1' }, timeoutMs });

const whyNone = ({ fault, stderr }: Answer): string => {
  if (fault === 'missing') return 'git is not installed';
  if (/dubious ownership/.test(stderr)) return 'git refuses the repository because another user owns it (git config safe.directory)';
  if (/not a git repository/.test(stderr)) return 'this is not a git repository';
  if (/Needed a single revision|unknown revision/.test(stderr)) return 'the repository has no commit yet';
  return stderr.trim().split('\n')[0] || 'git did not answer';
};

/**
 * Asks git which commit is checked out in a folder. No repository, no commit yet, no git at all and a repository that git refuses because another user owns
 * it are answers, not errors: a build is the same without a revision.
 */
export const headRevision = async (folder: string): Promise<HeadRevision> => {
  const answer = await askGit(folder, ['rev-parse', '--verify', 'HEAD^{commit}']);
  const revision = answer.stdout.trim();
  return answer.exitCode === 0 && COMMIT.test(revision) ? { revision } : { revision: null, reason: whyNone(answer) };
};
