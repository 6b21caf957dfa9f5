import { askGit } from './head.ts';

/** What people call the commit that is checked out; undefined if nobody does. */
export interface HeadNames {
  /** The commit's first twelve digits. */
  readonly sha: string | undefined;
  readonly branch: string | undefined;
  /** The one with the highest version, if there are several tags on the commit. */
  readonly tag: string | undefined;
}

/** The first line that git answers with; undefined if it has none, or no answer. */
const firstLine = async (folder: string, args: readonly string[]): Promise<string | undefined> => {
  const { exitCode, stdout } = await askGit(folder, args);
  return exitCode === 0 ? stdout.split('\n')[0]?.trim() || undefined : undefined;
};

/** The branch that CI names in its variables, GitHub's and GitLab's, because it checks out a commit and no branch; for a pull request, the source branch. */
const branchOfCi = (env: Readonly<Record<string, string | undefined>>): string | undefined =>
  env['GITHUB_HEAD_REF'] ||
  (env['GITHUB_REF_TYPE'] === 'branch' && env['GITHUB_REF_NAME']) ||
  env['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME'] ||
  env['CI_COMMIT_BRANCH'] ||
  undefined;

/** Asks git what the commit that is checked out in a folder is called. The variables of CI name the branch if git does not. */
export const headNames = async (folder: string, env: Readonly<Record<string, string | undefined>>): Promise<HeadNames> => {
  const [commit, branch, tag] = await Promise.all([
    firstLine(folder, ['rev-parse', '--verify', 'HEAD^{commit}']),
    firstLine(folder, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
    firstLine(folder, ['tag', '--points-at', 'HEAD', '--sort=-version:refname']),
  ]);
  return { sha: commit?.slice(0, 12), branch: branch ?? branchOfCi(env), tag };
};
