import { execFile } from 'node:child_process';

/** The commit that is checked out; null with the reason where there is none to name. */
export type HeadRevision = { readonly revision: string } | { readonly revision: null; readonly reason: string };

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;

/**
 * Asks git which commit is checked out in a folder. No repository, no commit yet, no git at all and a repository that git refuses to
 * touch because another user owns it are answers, not errors: a build is the same without a revision.
 */
export const headRevision = async (folder: string): Promise<HeadRevision> =>
  new Promise((resolve) => {
    execFile(
      'git',
      ['rev-parse', '--verify', 'HEAD^{commit}'],
      { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, timeout: 10_000, windowsHide: true },
      (error, stdout, stderr) => {
        const revision = stdout.trim();
        if (!error && COMMIT.test(revision)) return resolve({ revision });
        const said = stderr.trim().split('\n')[0] ?? '';
        const reason =
          (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
            ? 'git is not installed'
            : /dubious ownership/.test(stderr)
              ? 'git refuses the repository because another user owns it (git config safe.directory)'
              : /not a git repository/.test(stderr)
                ? 'this is not a git repository'
                : /Needed a single revision|unknown revision/.test(stderr)
                  ? 'the repository has no commit yet'
                  : said || 'git did not answer';
        resolve({ revision: null, reason });
      },
    );
  });
