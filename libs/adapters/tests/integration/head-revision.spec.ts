import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { headRevision } from '../../src/git/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinlane-git-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

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
