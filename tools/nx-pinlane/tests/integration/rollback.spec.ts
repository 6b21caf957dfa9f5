import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { openStore } from '@pinlane/oci';
import { errorOf, putImage, temporaryFolder } from '@pinlane/testing';
import { openLocations } from '../../src/images/locations.ts';
import { earlierPin } from '../../src/verbs/rollback/earlier-pin.ts';
import { verb } from '../../src/verbs/rollback/verb.ts';
import { readSpecFile } from '../../src/workspace/spec-file.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { makeImage, type ProcessorImage } from './support/images.ts';
import { contextOf, run } from './support/verb-context.ts';

// A name that git would take for a pattern.
const FOLDER = 'processors/[one]';
const FILE = `${FOLDER}/registry.yaml`;
const [first, second, third] = ['first', 'second', 'third'].map((mark) => makeImage('acme-one', mark)) as [ProcessorImage, ProcessorImage, ProcessorImage];

const textOf = ({ amd64, arm64, index }: ProcessorImage, more = '', ref = 'acme/one@1'): string => {
  const pin = (digest: string): string => `store.localhost/acme-one@${digest}`;
  return [
    `ref: ${ref}`,
    'image:',
    '  platforms:',
    `    amd64: ${pin(amd64.descriptor.digest)}`,
    `    arm64: ${pin(arm64.descriptor.digest)}`,
    `  index: ${pin(index.descriptor.digest)}`,
    more,
  ].join('\n');
};

let root: string;
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], { cwd: root, encoding: 'utf8' }).trim();
const write = (text: string): void => writeFileSync(join(root, FILE), text);
const commit = (text: string): string => {
  write(text);
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', 'a commit');
  return git('rev-parse', 'HEAD');
};
const found = async (to?: string, platform: 'linux/amd64' | 'linux/arm64' = 'linux/amd64') => {
  const { commit: at, spec } = await earlierPin(root, to, await readSpecFile(root, FILE), platform);
  return [at, spec.image?.platforms?.amd64?.slice(-64)];
};
const digestOf = ({ amd64 }: ProcessorImage): string => amd64.descriptor.digest.slice(-64);

beforeEach(() => {
  root = temporaryFolder('rollback');
  mkdirSync(join(root, FOLDER), { recursive: true });
  git('init', '--quiet');
});

describe('the pins to go back to', () => {
  it('are the newest ones that name another image, whatever else changed since and before', async () => {
    commit(textOf(first));
    const at = commit(textOf(second));
    commit(textOf(third));
    commit(textOf(third, 'build: { port: 9000 }\n'));
    expect(await found()).toEqual([at, digestOf(second)]);
    // A pin that is not committed yet is one to go back from, too.
    write(textOf(makeImage('acme-one', 'fourth')));
    expect((await found())[1]).toBe(digestOf(third));
  });

  it('are those of a commit that is named, in any way that git knows', async () => {
    const at = commit(textOf(first));
    commit(textOf(second));
    git('tag', 'good', at);
    for (const to of [at, at.slice(0, 10), 'good', 'HEAD~1']) expect(await found(to)).toEqual([at, digestOf(first)]);
  });

  it('pass over versions that nobody can read, of another processor, or without a pin for the platform', async () => {
    const at = commit(textOf(first));
    commit('ref: [');
    commit(textOf(second, '', 'acme/other@1'));
    commit(textOf(second).replace(/^.*amd64: .*\n/m, ''));
    commit(textOf(third));
    expect(await found()).toEqual([at, digestOf(first)]);
  });

  it.each([
    ['an option', '--output=stolen', /knows no such commit/],
    ['what is no commit', 'nowhere', /knows no such commit/],
    ['a file of a commit', `HEAD:${FILE}`, /knows no such commit/],
    ['a commit before the file was there', 'empty', /has no processors/],
    ['a commit whose file nobody can read', 'broken', /can't be read/],
    ['a commit of another processor', 'other', /this was acme\/other@1/],
    ['a commit without a pin', 'unpinned', /pins nothing for linux\/amd64/],
  ])('are not those of %s', async (_, to, message) => {
    git('commit', '--quiet', '--allow-empty', '-m', 'none');
    git('tag', 'empty');
    for (const [tag, text] of [
      ['broken', 'ref: ['],
      ['other', textOf(first, '', 'acme/other@1')],
      ['unpinned', 'ref: acme/one@1\n'],
    ] as const) {
      commit(text);
      git('tag', tag);
    }
    commit(textOf(second));
    const error = await errorOf(() => found(to));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'ERR_ROLLBACK_TARGET' });
    expect(git('status', '--porcelain')).toBe('');
  });

  it('are told to be missing, and where the clone holds a part of the history, how to get the rest', async () => {
    commit(textOf(first));
    commit(textOf(second));
    const whole = root;
    root = temporaryFolder('shallow');
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${whole}`, root]);
    expect(await errorOf(() => found())).toMatchObject({
      code: 'ERR_ROLLBACK_TARGET',
      message: expect.stringMatching(/no commit before pins another image[^]*unshallow/),
    });
    root = temporaryFolder('no-repository');
    mkdirSync(join(root, FOLDER), { recursive: true });
    write(textOf(first));
    expect(await errorOf(() => found())).toMatchObject({ code: 'ERR_ROLLBACK_TARGET', message: expect.stringContaining('not a git repository') });
  });
});

describe('rollback', () => {
  const back = (options: Readonly<Record<string, unknown>>) =>
    run(verb, { adapter: 'local', platform: 'linux/amd64', ...options }, contextOf(root, { project: 'acme-one', projectRoot: FOLDER }));

  it('plans the image of the earlier pin, after the checks of any deployment, and writes nothing', async () => {
    const { store } = openLocations(workspacePaths(root, 'local'), { insecureRegistries: new Set() });
    await putImage(store, first);
    commit(textOf(first));
    commit(textOf(second));
    const { document, lines, exitCode } = await back({ dryRun: true });
    expect(exitCode).toBe(0);
    expect(document).toMatchObject({ outcome: 'planned', image: `store.localhost/acme-one@${first.amd64.descriptor.digest}` });
    expect(lines[0]).toMatch(/^acme\/one@1 goes back to [a-f0-9]{12}, which commit [a-f0-9]{12} pins$/);
    expect(readFileSync(join(root, FILE), 'utf8')).toBe(textOf(second));
  });

  it('refuses an image that is gone, and a lane that may not', async () => {
    openStore(join(root, '.pinlane/store'));
    commit(textOf(first));
    commit(textOf(second));
    expect(await errorOf(() => back({ dryRun: true }))).toMatchObject({ code: 'ERR_MANIFEST_UNKNOWN' });
    expect(await errorOf(() => back({ lane: 'main', pin: true }))).toMatchObject({
      code: 'ERR_LANE_FORBIDS',
      message: expect.stringContaining('writes no pins'),
    });
    // Published images alone go where others are.
    expect(await errorOf(() => back({ lane: 'staging' }))).toMatchObject({ code: 'ERR_PIN_LOCAL' });
  });
});
