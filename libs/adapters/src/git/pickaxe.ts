import { askGit } from './head.ts';
import type { Told } from './history.ts';

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;

/** So many commits are named at most. */
export const COMMITS_AT_MOST = 1000;

/** What a commit must have to be looked for. */
export interface CommitSearch {
  /** The beginning of a line of its message. */
  readonly line: string;
  /** Texts of letters, digits, colons and hyphens, of which the commit must have added or taken away one, in whichever file. */
  readonly texts: readonly string[];
}

/** The commits of a history that have a line in their message and changed one of some texts, newest first; merges are left out. @param from a whole commit id */
export const commitsThatChanged = async (folder: string, from: string, { line, texts }: CommitSearch): Promise<Told<readonly string[]>> => {
  const pattern = texts.join('|');
  if (!/^[a-z0-9:|-]+$/i.test(pattern) || !/^[a-z0-9: -]+$/i.test(line)) return { told: null, reason: 'git can not be asked for such a text' };
  const how = ['--no-show-signature', '--no-ext-diff', '--no-textconv', '--no-merges', '--no-renames', '--format=%H', `--max-count=${COMMITS_AT_MOST}`];
  const args = ['log', ...how, `--grep=^${line}`, '--pickaxe-regex', '--extended-regexp', `-S${pattern}`, from, '--'];
  const { exitCode, fault, stdout, stderr } = await askGit(folder, args, 120_000);
  if (exitCode === 0) return { told: stdout.split('\n').filter((each) => COMMIT.test(each)) };
  return { told: null, reason: fault === 'missing' ? 'git is not installed' : stderr.trim().split('\n')[0] || 'git did not answer' };
};
