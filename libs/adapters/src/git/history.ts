import { askGit } from './head.ts';
import type { Answer } from '../process/index.ts';

/** A file as one commit has it. */
export interface CommittedFile {
  /** The whole commit id. */
  readonly commit: string;
  readonly text: string;
}

/** What the history of a file told: its versions, or why it tells nothing. */
export type Told<T> = { readonly told: T } | { readonly told: null; readonly reason: string };

/** So many versions of a file are looked through at most. */
const VERSIONS_AT_MOST = 1000;

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;

const reasonOf = ({ fault, stderr }: Answer): string => (fault === 'missing' ? 'git is not installed' : stderr.trim().split('\n')[0] || 'git did not answer');

/** The file of a commit. @param file relative to the folder, with `/` */
export const committedFile = async (folder: string, commit: string, file: string): Promise<Told<CommittedFile>> => {
  // Not `show`, which takes a name with a bracket in it for a pattern of files, if the commit has no such file.
  const answer = await askGit(folder, ['cat-file', 'blob', `${commit}:./${file}`]);
  return answer.exitCode === 0 ? { told: { commit, text: answer.stdout } } : { told: null, reason: reasonOf(answer) };
};

/** The commits that changed a file, newest first, from the one that is checked out. @param file relative to the folder, with `/` */
export const commitsOf = async (folder: string, file: string): Promise<Told<readonly string[]>> => {
  const answer = await askGit(folder, ['--literal-pathspecs', 'log', '--format=%H', `--max-count=${VERSIONS_AT_MOST}`, 'HEAD', '--', file]);
  return answer.exitCode === 0 ? { told: answer.stdout.split('\n').filter((line) => COMMIT.test(line)) } : { told: null, reason: reasonOf(answer) };
};

/** The whole id of the commit that a person named. */
export const commitNamed = async (folder: string, name: string): Promise<Told<string>> => {
  const answer = await askGit(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  const commit = answer.stdout.trim().split('\n').at(-1) ?? '';
  return answer.exitCode === 0 && COMMIT.test(commit)
    ? { told: commit }
    : { told: null, reason: answer.fault === null ? 'git knows no such commit' : reasonOf(answer) };
};

/** Whether the history of a repository ends before its beginning, as in a clone with a depth. */
export const isShallow = async (folder: string): Promise<boolean> => (await askGit(folder, ['rev-parse', '--is-shallow-repository'])).stdout.trim() === 'true';

/** Whether a commit is in the history of the one that is checked out; false also if this clone lacks it. @param commit a whole commit id */
export const isInHistory = async (folder: string, commit: string): Promise<boolean> =>
  COMMIT.test(commit) && (await askGit(folder, ['merge-base', '--is-ancestor', commit, 'HEAD'])).exitCode === 0;
