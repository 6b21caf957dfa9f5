import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { headNames } from '../../src/git/index.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('git');
});

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', '-c', 'commit.gpgsign=false', ...args], { cwd: folder, encoding: 'utf8' }).trim();

describe('The names of the commit that is checked out', () => {
  it('are its hash, its branch, and the highest of its tags', async () => {
    git('init', '--quiet', '--initial-branch=topic/one');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    expect(await headNames(folder, { GITHUB_HEAD_REF: 'other' })).toEqual({ sha: git('rev-parse', 'HEAD').slice(0, 12), branch: 'topic/one', tag: undefined });
    for (const tag of ['v1.9.0', 'v1.10.0']) git('tag', tag);
    expect((await headNames(folder, {})).tag).toBe('v1.10.0');
  });

  it('are looked for in the variables of CI, which checks out a commit and no branch', async () => {
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    git('checkout', '--quiet', '--detach');
    const branchWith = async (env: Record<string, string>) => (await headNames(folder, env)).branch;
    expect(await branchWith({})).toBeUndefined();
    expect(await branchWith({ GITHUB_HEAD_REF: 'theirs', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: '7/merge' })).toBe('theirs');
    expect(await branchWith({ GITHUB_HEAD_REF: '', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'staging' })).toBe('staging');
    expect(await branchWith({ GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1' })).toBeUndefined();
    expect(await branchWith({ CI_COMMIT_BRANCH: 'main' })).toBe('main');
  });

  it('are none where there is no repository', async () => {
    expect(await headNames(folder, {})).toEqual({ sha: undefined, branch: undefined, tag: undefined });
  });
});
