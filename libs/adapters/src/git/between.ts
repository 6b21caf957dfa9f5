import { askGit } from './head.ts';
import type { Told } from './history.ts';

/** A commit for a list that people read; subject and author are anybody's text. */
export interface ListedCommit {
  readonly commit: string;
  readonly subject: string;
  readonly author: string;
}

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;

/**
 * The commits that one history has and another lacks, newest first, merges left out, and how many there are.
 * @param from a whole commit id
 * @param to a whole commit id
 */
export const commitsBetween = async (
  folder: string,
  { from, to, atMost }: { readonly from: string; readonly to: string; readonly atMost: number },
): Promise<Told<{ readonly total: number; readonly commits: readonly ListedCommit[] }>> => {
  const range = ['--no-merges', to, `^${from}`, '--'];
  const [listed, counted] = await Promise.all([
    askGit(
      folder,
      ['log', '-z', '--no-show-signature', '--no-color', '--encoding=UTF-8', `--max-count=${atMost}`, '--format=%H%x1f%an%x1f%s', ...range],
      60_000,
    ),
    askGit(folder, ['rev-list', '--count', ...range], 60_000),
  ]);
  const total = Number(counted.stdout.trim());
  if (listed.exitCode !== 0 || counted.exitCode !== 0 || !Number.isInteger(total))
    return { told: null, reason: `${listed.stderr}${counted.stderr}`.trim().split('\n')[0] || 'git did not answer' };
  const commits = listed.stdout.split('\0').flatMap((record) => {
    // A name may hold the separator, too; the subject is the last field, and cut by nobody's name.
    const [commit = '', author = '', ...subject] = record.split('\x1f');
    return COMMIT.test(commit) ? [{ commit, author, subject: subject.join(' ') }] : [];
  });
  return { told: { total, commits } };
};
