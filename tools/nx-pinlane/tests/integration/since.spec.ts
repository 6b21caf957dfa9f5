import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { PinEdits, Since } from '@pinlane/contracts';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { verb as pinEdits } from '../../src/verbs/pin-edits/verb.ts';
import { verb as since } from '../../src/verbs/since/verb.ts';
import { contextOf, run } from './support/verb-context.ts';

const EMPTY = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const FILE = 'processors/one/registry.yaml';
const GIT = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

let root: string;

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], { cwd: root, encoding: 'utf8', env: GIT, stdio: 'pipe' }).trim();

const commit = (message: string, files: Readonly<Record<string, string>>): string => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  git('add', '-A');
  git('commit', '--quiet', '-m', message);
  return git('rev-parse', 'HEAD');
};
const pinned = (digit: string): string => `ref: acme/one@1\nimage:\n  index: ghcr.io/acme/one@sha256:${digit.repeat(64)}\n`;
const pinCommit = (source: string, digit = 'a', more: Readonly<Record<string, string>> = {}): string =>
  commit(`ci(staging): pin processor images\n\nacme/one index\n\nPinlane-Source: ${source}`, { [FILE]: pinned(digit), ...more });
const head = (): string => git('rev-parse', 'HEAD');
/** Does some work on a branch and merges it into the one that is checked out, as GitHub does for a pull request. */
const merge = (work: () => unknown, message = 'merge'): void => {
  const branch = git('branch', '--show-current');
  git('checkout', '--quiet', '-b', 'feature');
  work();
  git('checkout', '--quiet', branch);
  git('merge', '--quiet', '--no-ff', '-m', message, 'feature');
};
const ask = async (lane: string, env: Readonly<Record<string, string>> = {}): Promise<Since> =>
  (await run(since, { lane }, contextOf(root, { env }))).document as Since;

beforeEach(() => {
  root = temporaryFolder('since');
  git('init', '--quiet', '--initial-branch=staging');
  commit('first', { [FILE]: 'ref: acme/one@1\n', 'src/a.ts': '1' });
});

describe('the commit since which a lane looks for changes', () => {
  it.each(['dev', 'staging'])('takes everything in lane %s before the first pin commit', async (lane) => {
    expect(await ask(lane)).toMatchObject({ base: EMPTY, everything: true });
  });

  it.each(['dev', 'staging'])('is, in lane %s, what the last pin commit was built from, however much came since', async (lane) => {
    pinCommit(commit('old', { 'src/a.ts': '2' }));
    const source = commit('new', { 'src/a.ts': '3' });
    // Pushed while the pipeline of the one before it ran.
    commit('meanwhile', { 'src/b.ts': '1' });
    pinCommit(source, 'b');
    commit('later', { 'src/c.ts': '1' });
    expect(await ask(lane)).toMatchObject({ base: source, everything: false });
  });

  it('takes everything in lane main, as no commit tells what is deployed', async () => {
    pinCommit(head());
    expect(await ask('main')).toMatchObject({ base: EMPTY, everything: true });
  });

  it('is, in lane pr, what the pull request is merged into', async () => {
    const base = head();
    merge(() => commit('work', { 'src/a.ts': '2' }));
    expect(await ask('pr')).toMatchObject({ base, everything: false });
  });

  it.each<[string, (source: string) => unknown]>([
    ['changes more than pins', (source) => pinCommit(source, 'a', { 'src/a.ts': '9' })],
    ['names a commit that is not there', () => pinCommit('f'.repeat(40))],
    ['is a merge', (source) => merge(() => commit('a', { [FILE]: pinned('a') }), `merge\n\nPinlane-Source: ${source}`)],
    ['says it in the middle of its message', (source) => commit(`a\n\nPinlane-Source: ${source}\n\nno trailer`, { [FILE]: pinned('a') })],
  ])('does not believe a pin commit that %s', async (_, forge) => {
    forge(head());
    expect(await ask('staging')).toMatchObject({ base: EMPTY });
  });

  it('takes everything where the history ends before the source', async () => {
    pinCommit(commit('second', { 'src/a.ts': '2' }));
    const shallow = temporaryFolder('shallow');
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${root}`, shallow], { env: GIT });
    expect((await run(since, { lane: 'staging' }, contextOf(shallow))).document).toMatchObject({ base: EMPTY });
  });

  it('is an output of a step of GitHub Actions', async () => {
    const output = join(root, 'output');
    const { base } = await ask('staging', { GITHUB_OUTPUT: output });
    expect(readFileSync(output, 'utf8')).toBe(`base=${base}\n`);
  });
});

describe('pins that a pull request changes', () => {
  /** Tells which pins a pull request to dev brings; staging, with one pin commit, is on the remote. */
  const brought = async (work: () => unknown): Promise<readonly string[]> => {
    const remote = temporaryFolder('remote');
    execFileSync('git', ['init', '--quiet', '--bare', remote], { env: GIT });
    git('remote', 'add', 'origin', remote);
    git('push', '--quiet', 'origin', 'staging');
    git('checkout', '--quiet', '-b', 'dev', 'HEAD~1');
    merge(work);
    return ((await run(pinEdits, {}, contextOf(root))).document as PinEdits).brought;
  };

  beforeEach(() => {
    pinCommit(head());
  });

  it('are none where only source is changed', async () => {
    expect(await brought(() => commit('work', { 'src/a.ts': '2' }))).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['a cherry-pick', () => git('cherry-pick', 'staging')],
    ['a merge', () => git('merge', '--quiet', '--no-ff', '-m', 'up', 'staging')],
  ])("are staging's own, brought by %s", async (_, work) => {
    expect(await brought(work)).toEqual([FILE]);
  });

  it.each<[string, () => unknown]>([
    ['by hand', () => commit('edit', { [FILE]: pinned('c') })],
    ['by a commit that says it is a pin commit', () => pinCommit(head(), 'c')],
    ['of a processor that is new', () => commit('new', { 'processors/two/registry.yaml': pinned('a') })],
  ])('are refused if they are made %s, with the line', async (_, work) => {
    const error = await errorOf(() => brought(work));
    expect(error.exitCode).toBe(2);
    expect(error.problems).toEqual([expect.objectContaining({ code: 'ERR_PIN_EDITED', line: 2, file: expect.stringMatching(/registry\.yaml$/) as unknown })]);
  });

  it('can not be told without a merge', async () => {
    expect((await errorOf(() => run(pinEdits, {}, contextOf(root)))).code).toBe('ERR_OPTION_INVALID');
  });
});
