import { execFile } from 'node:child_process';

/** What people call the commit that is checked out; undefined where nobody does. */
export interface HeadNames {
  /** The commit's first twelve digits. */
  readonly sha: string | undefined;
  readonly branch: string | undefined;
  /** Of several tags on the commit the one with the highest version. */
  readonly tag: string | undefined;
}

/** The first line that git answers with; undefined where it has none, or no answer. */
const ask = (folder: string, args: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile('git', args, { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, timeout: 10_000, windowsHide: true }, (error, stdout) =>
      resolve(error ? undefined : stdout.split('\n')[0]?.trim() || undefined),
    );
  });

/** CI checks out a commit and no branch, and says in its own variables which one it was: GitHub's and GitLab's, of a pull request the source. */
const branchOfCi = (env: Readonly<Record<string, string | undefined>>): string | undefined =>
  env['GITHUB_HEAD_REF'] ||
  (env['GITHUB_REF_TYPE'] === 'branch' && env['GITHUB_REF_NAME']) ||
  env['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME'] ||
  env['CI_COMMIT_BRANCH'] ||
  undefined;

/** Asks git what the commit that is checked out in a folder is called; a branch that git does not name is looked for in the variables of CI. */
export const headNames = async (folder: string, env: Readonly<Record<string, string | undefined>>): Promise<HeadNames> => {
  const [commit, branch, tag] = await Promise.all([
    ask(folder, ['rev-parse', '--verify', 'HEAD^{commit}']),
    ask(folder, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
    ask(folder, ['tag', '--points-at', 'HEAD', '--sort=-version:refname']),
  ]);
  return { sha: commit?.slice(0, 12), branch: branch ?? branchOfCi(env), tag };
};
