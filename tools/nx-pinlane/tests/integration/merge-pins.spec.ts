import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { driverCommand } from '../../src/verbs/merge-pins/register.ts';
import { verb } from '../../src/verbs/merge-pins/verb.ts';
import { contextOf, run } from './support/verb-context.ts';

const FILE = 'processors/one/registry.yaml';
const GIT = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@localhost',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@localhost',
};
const bin = resolve(import.meta.dirname, '../../bin/pinlane.mjs');

let root: string;
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', env: GIT, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const tried = (...args: string[]): number | null => spawnSync('git', args, { cwd: root, env: GIT, stdio: 'ignore' }).status;
const put = (text: string, file = FILE): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const textOf = (mark: string, revision: string, { cpu = 1, top = '' } = {}): string =>
  [
    'ref: acme/one@1',
    top,
    'image:',
    '  platforms:',
    `    amd64: ghcr.io/acme/one@sha256:${mark.repeat(64)}`,
    `    arm64: ghcr.io/acme/one@sha256:${mark.repeat(63)}0`,
    `  index: ghcr.io/acme/one@sha256:${mark.repeat(63)}1`,
    `  source: { fingerprint: "sha256:${mark.repeat(64)}", revision: "${revision}" }`,
    '# between',
    `runtime: { cpu: ${cpu} }`,
    '',
  ].join('\n');
const commit = (message: string): string => {
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
};
/** A commit of source, and one that pins what was built of it. */
const pinned = (mark: string, more: Parameters<typeof textOf>[2] = {}): string => {
  const source = commit(`source ${mark}`);
  put(textOf(mark, source, more));
  return commit(`pin ${mark}`);
};
const now = (file = FILE): string => readFileSync(join(root, file), 'utf8');
const pinOf = (file = FILE): string | undefined => /amd64: .*sha256:(.)/.exec(now(file))?.[1];

beforeEach(async () => {
  root = temporaryFolder('merge');
  git('init', '--quiet', '--initial-branch=dev');
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  // The command as it is installed.
  writeFileSync(join(root, 'node_modules/.bin/pinlane'), `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(bin)} "$@"\n`, { mode: 0o755 });
  put('{}\n', 'nx.json');
  put('node_modules\n.pinlane\n', '.gitignore');
  await run(verb, {}, contextOf(root, { env: GIT }));
  pinned('a');
  git('branch', 'staging');
});

describe('a merge of diverged branches', () => {
  it('takes the pins whose source descends from the other, both ways round, whatever the dates say', () => {
    const source = git('rev-parse', 'HEAD');
    put(textOf('b', source));
    commit('pin b');
    git('checkout', '--quiet', 'staging');
    git('commit', '--quiet', '--allow-empty', '--date=2001-01-01T00:00:00Z', '-m', 'source c');
    put(textOf('c', git('rev-parse', 'HEAD')));
    commit('pin c');
    git('checkout', '--quiet', '-b', 'one', 'dev');
    expect(tried('merge', '--no-edit', 'staging')).toBe(0);
    expect(pinOf()).toBe('c');
    git('checkout', '--quiet', '-b', 'two', 'staging');
    expect(tried('merge', '--no-edit', 'dev')).toBe(0);
    expect(now()).toBe(textOf('c', git('rev-parse', 'staging^')));
  });

  it('keeps what each side changed besides, and leaves what both changed to a person, the pins being settled', () => {
    const source = git('rev-parse', 'HEAD');
    put(textOf('b', source, { top: '# mine' }));
    commit('pin b');
    git('checkout', '--quiet', 'staging');
    pinned('c', { cpu: 4 });
    git('checkout', '--quiet', '-b', 'clean', 'dev');
    expect(tried('merge', '--no-edit', 'staging')).toBe(0);
    expect(now()).toBe(textOf('c', git('rev-parse', 'staging^'), { cpu: 4, top: '# mine' }));
    git('checkout', '--quiet', 'dev');
    put(textOf('b', source, { cpu: 2 }));
    commit('another cpu');
    expect(tried('merge', '--no-edit', 'staging')).not.toBe(0);
    expect(git('diff', '--name-only', '--diff-filter=U')).toBe(FILE);
    expect(now()).toMatch(/<{7} ours\nruntime: \{ cpu: 2 \}\n={7}\nruntime: \{ cpu: 4 \}\n>{7} theirs/);
    expect(now().match(/<{7}/g)).toHaveLength(1);
    expect(pinOf()).toBe('c');
  });

  it('leaves pins to a person if neither source descends from the other', () => {
    pinned('b');
    git('checkout', '--quiet', 'staging');
    git('commit', '--quiet', '--allow-empty', '-m', 'elsewhere');
    pinned('c');
    expect(tried('merge', '--no-edit', 'dev')).not.toBe(0);
    expect(now()).toContain('<<<<<<<');
    expect(git('diff', '--name-only', '--diff-filter=U')).toBe(FILE);
  });

  it('takes a revert for newer than the pin that it reverted, which the other side had cherry-picked', () => {
    git('checkout', '--quiet', 'staging');
    pinned('b');
    const bad = pinned('c');
    git('checkout', '--quiet', 'dev');
    git('cherry-pick', '-X', 'theirs', bad);
    expect(pinOf()).toBe('c');
    git('checkout', '--quiet', 'staging');
    git('revert', '--no-edit', bad);
    expect(pinOf()).toBe('b');
    git('checkout', '--quiet', 'dev');
    expect(tried('merge', '--no-edit', 'staging')).toBe(0);
    expect(pinOf()).toBe('b');
  });

  it('takes the later pin commit where an earlier one was cherry-picked', () => {
    git('checkout', '--quiet', 'staging');
    const early = pinned('b');
    pinned('c');
    git('checkout', '--quiet', 'dev');
    git('cherry-pick', early);
    expect(tried('merge', '--no-edit', 'staging')).toBe(0);
    expect(pinOf()).toBe('c');
  });

  it('follows a file to its new name', () => {
    // Git takes files for one that was renamed if they are alike, and pins are no small part of a small file.
    const top = Array.from({ length: 60 }, (_, at) => `# line ${at}`).join('\n');
    pinned('a', { top });
    git('branch', '--force', 'staging');
    const source = git('rev-parse', 'HEAD');
    git('mv', 'processors/one', 'processors/two');
    put(textOf('b', source, { top }), 'processors/two/registry.yaml');
    commit('moved, and pin b');
    git('checkout', '--quiet', 'staging');
    pinned('c', { top });
    git('checkout', '--quiet', 'dev');
    expect(tried('merge', '--no-edit', 'staging')).toBe(0);
    expect(pinOf('processors/two/registry.yaml')).toBe('c');
  });

  it('is one of texts where a side can not be read, and where nothing is installed', () => {
    put('ref: [\n');
    commit('broken');
    git('checkout', '--quiet', 'staging');
    pinned('c');
    expect(tried('merge', '--no-edit', 'dev')).not.toBe(0);
    expect(now()).toContain('<<<<<<<');
    git('merge', '--abort');
    git('rm', '-r', '--quiet', '--cached', '--ignore-unmatch', 'node_modules');
    writeFileSync(join(root, 'node_modules/.bin/pinlane'), '', { mode: 0o644 });
    for (const [text, mode] of [
      ['', 0o644],
      ['#!/bin/sh\nexit 1\n', 0o755],
    ] as const) {
      writeFileSync(join(root, 'node_modules/.bin/pinlane'), text);
      chmodSync(join(root, 'node_modules/.bin/pinlane'), mode);
      expect(tried('merge', '--no-edit', 'dev')).not.toBe(0);
      expect(now()).toContain('<<<<<<<');
      git('merge', '--abort');
    }
  });
});

describe('the registration', () => {
  it('is made once, keeps what .gitattributes has, and names the workspace where it is below the top', async () => {
    put('*.png binary', '.gitattributes');
    await run(verb, {}, contextOf(root, { env: GIT }));
    await run(verb, {}, contextOf(root, { env: GIT }));
    expect(now('.gitattributes')).toBe('*.png binary\nregistry.yaml merge=pinlane\nbase.yaml merge=pinlane\n');
    expect(git('config', 'merge.pinlane.driver')).toBe(driverCommand(''));
    expect(driverCommand('a b/')).toContain(`cd './a b/' && PATH="$PWD/node_modules/.bin:$PATH"`);
  });
});
