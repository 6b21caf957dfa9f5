import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { headRevision } from '../../src/git/index.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('git');
});

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', '-c', 'commit.gpgsign=false', ...args], { cwd: folder, encoding: 'utf8' });

describe('the checked-out revision', () => {
  it('is the full hash of the commit', async () => {
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    expect(await headRevision(folder)).toEqual({ revision: git('rev-parse', 'HEAD').trim() });
  });

  it('is null, with the reason, where there is no commit yet', async () => {
    git('init', '--quiet');
    expect(await headRevision(folder)).toEqual({ revision: null, reason: 'the repository has no commit yet' });
  });

  it('is null, with the reason, where there is no repository', async () => {
    expect(await headRevision(folder)).toEqual({ revision: null, reason: 'this is not a git repository' });
  });
});
