import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { restorable } from './restorable.ts';

/** The environment of git that knows no settings of this machine. */
export const GIT = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

/** Runs git in a folder. @returns what it says */
export const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: GIT,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** Writes a file, and makes its folder. */
export const put = (folder: string, file: string, text: string): void => {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
};

/** Commits all that a clone has, and pushes it to staging. @returns the commit */
export const pushAll = (folder: string): string => {
  git(folder, 'add', '-A');
  git(folder, 'commit', '--quiet', '-m', 'a change');
  git(folder, 'push', '--quiet', 'origin', 'HEAD:staging');
  return git(folder, 'rev-parse', 'HEAD');
};

/** Clones the branch staging of a remote. */
export const cloneStaging = (remote: string, depth?: '--depth=1', folder = temporaryFolder('clone')): string => {
  const options = ['--quiet', '--branch=staging', ...(depth === undefined ? [] : [depth])];
  execFileSync('git', ['clone', ...options, `file://${remote}`, folder], { env: GIT, stdio: 'ignore' });
  return folder;
};

/**
 * A remote whose branch staging has one commit of some files, and its clone as a job has it: one commit, and no branch.
 * @returns their folders, the commit, and what puts both back as they are now
 */
export const stagingRemote = (files: Readonly<Record<string, string>>) => {
  const folder = temporaryFolder('repositories');
  const remote = join(folder, 'remote');
  git(folder, 'init', '--quiet', '--bare', '--initial-branch=staging', remote);
  const source = temporaryFolder('source');
  git(source, 'init', '--quiet', '--initial-branch=staging');
  git(source, 'remote', 'add', 'origin', `file://${remote}`);
  for (const [file, text] of Object.entries(files)) put(source, file, text);
  const commit = pushAll(source);
  const job = cloneStaging(remote, '--depth=1', join(folder, 'job'));
  git(job, 'checkout', '--quiet', '--detach');
  const putBack = restorable(folder);
  const restore = (): void => {
    putBack();
    git(job, 'update-index', '-q', '--refresh');
  };
  return { remote, commit, job, restore };
};
