import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { hideFromGit } from '../../src/workspace/own-folder.ts';

const statusOf = (root: string): string => execFileSync('git', ['status', '--porcelain', '--untracked-files=all'], { cwd: root, encoding: 'utf8' });

describe("the folder of what Pinlane makes, in a workspace whose .gitignore doesn't name it", () => {
  it('is not seen by git', () => {
    const root = temporaryFolder('own');
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    hideFromGit(root);
    mkdirSync(join(root, '.pinlane/locks/tmp'), { recursive: true });
    writeFileSync(join(root, '.pinlane/locks/tmp/left.tmp'), '');
    expect(statusOf(root)).toBe('');
  });

  it('keeps a .gitignore that somebody wrote', () => {
    const root = temporaryFolder('own');
    mkdirSync(join(root, '.pinlane'));
    writeFileSync(join(root, '.pinlane/.gitignore'), 'cache\n');
    hideFromGit(root);
    expect(readFileSync(join(root, '.pinlane/.gitignore'), 'utf8')).toBe('cache\n');
  });

  it('fails nothing where it can not be made', () => {
    expect(() => hideFromGit('/nowhere/at/all')).not.toThrow();
    const root = temporaryFolder('own');
    writeFileSync(join(root, '.pinlane'), '');
    chmodSync(root, 0o500);
    expect(() => hideFromGit(root)).not.toThrow();
    chmodSync(root, 0o700);
  });
});
