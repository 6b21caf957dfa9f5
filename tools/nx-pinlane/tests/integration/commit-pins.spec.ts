import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRepository, type PinCommit } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { errorOf, putImage, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import { commitPins } from '../../src/verbs/commit-pins/commit-pins.ts';
import { verb } from '../../src/verbs/commit-pins/verb.ts';
import { makeImage, type ProcessorImage } from './support/images.ts';
import { cloneStaging, GIT, git, pushAll, put, stagingRemote } from './support/staging-remote.ts';
import { contextOf } from './support/verb-context.ts';

const FILE = 'processors/one/registry.yaml';
const [first, second, third] = ['first', 'second', 'third'].map((mark) => makeImage('acme-one', mark)) as [ProcessorImage, ProcessorImage, ProcessorImage];

let registry: TestRegistry;
let remote: string;
let root: string;

const claimed = ({ amd64 }: ProcessorImage): string =>
  Buffer.from(amd64.config.bytes)
    .toString()
    .match(/"dev.pinlane.fingerprint":"(sha256:[0-9a-f]{64})"/)?.[1] as string;

/** A registry.yaml that pins an image. */
const textOf = (image: ProcessorImage, revision: string, more = '', at = `${registry.host}/acme/acme-one`): string =>
  [
    'ref: acme/one@1 # the first',
    'image:',
    '  platforms:',
    `    amd64: ${at}@${image.amd64.descriptor.digest}`,
    `    arm64: ${at}@${image.arm64.descriptor.digest}`,
    `  index: ${at}@${image.index.descriptor.digest}`,
    `  source: { fingerprint: "${claimed(image)}", revision: "${revision}" }`,
    more,
  ].join('\n');
const OLD = '1'.repeat(40);

const clone = (depth?: '--depth=1'): string => cloneStaging(remote, depth);
/** What somebody else pushes meanwhile. */
const pushed = (files: Readonly<Record<string, string>>, from = clone()): string => {
  for (const [file, text] of Object.entries(files)) put(from, file, text);
  return pushAll(from);
};
const tip = (): string => git(remote, 'rev-parse', 'staging');
const at = (commit: string, file: string): string => execFileSync('git', ['cat-file', 'blob', `${commit}:${file}`], { cwd: remote, encoding: 'utf8' });
/** Makes the remote answer a push with some words, and refuse it. */
const hook = (script: string): void => {
  writeFileSync(join(remote, 'hooks/pre-receive'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(remote, 'hooks/pre-receive'), 0o755);
};
const commitIn = async (
  folder: string,
  options: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string | undefined>> = {},
  wait: () => Promise<void> = async () => undefined,
): Promise<PinCommit> => {
  const { data, error } = verb.parse({ lane: 'staging', ...options });
  if (error) throw error;
  const outcome = await commitPins(data as never, contextOf(folder, { env: { ...GIT, ...env } }), wait);
  return verb.document[0]!.parse(outcome.document) as PinCommit;
};

beforeAll(async () => {
  registry = await startRegistry();
  for (const image of [first, second, third]) await putImage(openRepository(parseRepository(`${registry.host}/acme/acme-one`)), image);
});
afterAll(() => registry.close());

let built: string;
let repositories: ReturnType<typeof stagingRemote>;
beforeAll(() => {
  repositories = stagingRemote({ [FILE]: textOf(first, OLD), 'src/a.ts': '1\n', '.gitignore': '.pinlane\n' });
});
beforeEach(() => {
  repositories.restore();
  ({ remote, job: root, commit: built } = repositories);
  put(root, FILE, textOf(second, built));
});

describe('the pin commit', () => {
  it('is one commit on the tip, of pins alone, and says what it pins; the clone stays as it is', async () => {
    const before = [git(root, 'status', '--porcelain'), git(root, 'for-each-ref', 'refs/heads'), readFileSync(join(root, '.git/config'), 'utf8')];
    const output = join(temporaryFolder('output'), 'output');
    const env = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'acme/w', GITHUB_RUN_ID: '7', GITHUB_RUN_ATTEMPT: '2', GITHUB_OUTPUT: output };
    const report = await commitIn(root, {}, env);
    expect(report).toMatchObject({ outcome: 'committed', revision: built, parent: built, commit: tip(), leftOut: [] });
    expect(at(tip(), FILE)).toBe(textOf(second, built));
    expect(git(remote, 'rev-list', '--count', `${built}..staging`)).toBe('1');
    expect(git(remote, 'log', '-1', '--format=%B', 'staging')).toBe(
      [
        'ci(staging): pin processor images',
        '',
        `acme/one@1 linux/amd64 ${first.amd64.descriptor.digest} -> ${second.amd64.descriptor.digest}`,
        `acme/one@1 linux/arm64 ${first.arm64.descriptor.digest} -> ${second.arm64.descriptor.digest}`,
        `acme/one@1 index ${first.index.descriptor.digest} -> ${second.index.descriptor.digest}`,
        '',
        `Pinlane-Source: ${built}`,
        'Pinlane-Run: https://github.com/acme/w/actions/runs/7/attempts/2',
      ].join('\n'),
    );
    expect(git(remote, 'log', '-1', '--format=%(trailers:key=Pinlane-Source,valueonly)', 'staging')).toBe(built);
    expect(readFileSync(output, 'utf8')).toBe(`commit=${tip()}\ncommitted=true\n`);
    expect([git(root, 'status', '--porcelain'), git(root, 'for-each-ref', 'refs/heads'), readFileSync(join(root, '.git/config'), 'utf8')]).toEqual(before);
  });

  it('is none if nothing is to be pinned, and later jobs get what was checked out', async () => {
    git(root, 'checkout', '--quiet', '--', '.');
    expect(await commitIn(root)).toMatchObject({ outcome: 'unchanged', commit: built });
    put(root, FILE, textOf(second, built));
    expect(await commitIn(root, { dryRun: true })).toMatchObject({ outcome: 'would-commit' });
    expect(tip()).toBe(built);
  });

  it('is written anew on what others pushed meanwhile, other source of the processor too: the pins say which source they are of', async () => {
    const theirs = pushed({ [FILE]: textOf(first, OLD, 'runtime: { cpu: 2 } # more\n'), 'src/a.ts': '2\n', '.github/workflows/x.yml': 'on: push\n' });
    const report = await commitIn(root);
    expect(report).toMatchObject({ outcome: 'committed', parent: theirs, revision: built });
    expect(at(tip(), FILE)).toBe(textOf(second, built, 'runtime: { cpu: 2 } # more\n'));
    expect(git(remote, 'diff', '--name-only', theirs, 'staging')).toBe(FILE);
  });

  it('is found again by a rerun, also behind what was pushed since', async () => {
    const { commit } = await commitIn(root);
    pushed({ 'src/a.ts': '3\n' });
    expect(await commitIn(root)).toMatchObject({ outcome: 'there', commit });
  });

  it('does not take the place of pins of a later source', async () => {
    const later = pushed({ 'src/a.ts': '2\n' });
    const newest = pushed({ [FILE]: textOf(third, later) });
    expect(await commitIn(root)).toMatchObject({
      outcome: 'there',
      commit: newest,
      changes: [],
      leftOut: [{ file: FILE, reason: expect.stringContaining('later source') }],
    });
    expect(tip()).toBe(newest);
  });

  it.each([
    ['is gone', (from: string) => void git(from, 'rm', '--quiet', FILE), /no such file/],
    ['is of another processor', (from: string) => put(from, FILE, textOf(first, OLD).replace('acme/one', 'acme/two')), /another processor/],
    ['can be read no longer', (from: string) => put(from, FILE, 'ref: ['), /./],
  ])('leaves out a file that %s on the tip', async (_, change, reason) => {
    const from = clone();
    change(from);
    const theirs = pushed({ 'src/b.ts': '1\n' }, from);
    expect(await commitIn(root)).toMatchObject({ outcome: 'there', changes: [], leftOut: [{ reason: expect.stringMatching(reason) }] });
    expect(tip()).toBe(theirs);
  });

  it('is refused after a force-push, and where the branch is gone', async () => {
    const other = temporaryFolder('other');
    git(other, 'init', '--quiet', '--initial-branch=staging');
    put(other, FILE, textOf(first, OLD));
    git(other, 'add', '-A');
    git(other, 'commit', '--quiet', '-m', 'anew');
    git(other, 'push', '--quiet', '--force', `file://${remote}`, 'staging');
    expect(await errorOf(() => commitIn(root))).toMatchObject({ code: 'ERR_PIN_COMMIT_SUPERSEDED' });
    expect(await errorOf(() => commitIn(root, { branch: 'nowhere' }))).toMatchObject({ code: 'ERR_PIN_COMMIT_SUPERSEDED' });
  });

  it.each<[string, () => void, RegExp]>([
    ['another tracked file that was changed', () => put(root, 'src/a.ts', 'other\n'), /src\/a\.ts/],
    ['another value of registry.yaml', () => put(root, FILE, textOf(second, built, 'runtime: { cpu: 3 }\n')), /more than its pins/],
    ['another comment', () => put(root, FILE, textOf(second, built).replace('the first', 'the last')), /more than its pins/],
    ['a pin that was taken away', () => put(root, FILE, textOf(second, built).replace(/^ {2}index.*\n/m, '')), /image\.index/],
    ['a new file beside it', () => put(root, 'processors/one/new.ts', '1\n'), /new\.ts/],
    ['a registry.yaml that is in no commit', () => (put(root, 'p/registry.yaml', textOf(second, built)), void git(root, 'add', '-A')), /no such file/],
  ])('is refused for %s', async (_, change, message) => {
    change();
    const error = await errorOf(() => commitIn(root));
    expect(error).toMatchObject({ code: 'ERR_PIN_COMMIT_DIRTY', message: expect.stringMatching(message) });
    expect(tip()).toBe(built);
  });

  it('is refused for pins of the store, for images that are not there, and in other lanes', async () => {
    put(root, FILE, textOf(second, built, '', 'store.localhost/acme-one'));
    expect(await errorOf(() => commitIn(root))).toMatchObject({ code: 'ERR_PIN_LOCAL' });
    put(root, FILE, textOf(makeImage('acme-one', 'nowhere'), built));
    expect(await errorOf(() => commitIn(root))).toMatchObject({ code: 'ERR_MANIFEST_UNKNOWN' });
    for (const lane of ['local', 'pr', 'dev', 'main']) expect(await errorOf(() => commitIn(root, { lane }))).toMatchObject({ code: 'ERR_LANE_FORBIDS' });
    expect(tip()).toBe(built);
  });

  it('is not made again and again by the pipeline that it sets off itself', async () => {
    const { commit } = await commitIn(root);
    root = clone('--depth=1');
    const text = readFileSync(join(root, FILE), 'utf8');
    put(root, FILE, text.replaceAll(second.amd64.descriptor.digest, third.amd64.descriptor.digest));
    expect(await errorOf(() => commitIn(root, {}, { GITHUB_EVENT_NAME: 'push' }))).toMatchObject({ code: 'ERR_PIN_COMMIT_LOOP' });
    expect(tip()).toBe(commit);
  });
});

describe('a push of the pin commit', () => {
  const remarked = (...lines: string[]): string => lines.map((line) => `echo ${JSON.stringify(line)} >&2`).join('\n');

  it.each([
    [
      'a protected branch',
      ['error: GH006: Protected branch update failed for refs/heads/staging.', 'error: Changes must be made through a pull request.'],
      'ERR_PIN_COMMIT_PROTECTED',
    ],
    [
      'a branch that wants signatures',
      ['error: GH006: Protected branch update failed for refs/heads/staging.', 'error: Commits must have verified signatures.'],
      'ERR_PIN_COMMIT_PROTECTED',
    ],
    [
      'a ruleset',
      ['error: GH013: Repository rule violations found for refs/heads/staging.', '- Changes must be made through a pull request.'],
      'ERR_PIN_COMMIT_RULESET',
    ],
    ['workflow files', ['refusing to allow a GitHub App to create or update workflow without workflows permission'], 'ERR_PIN_COMMIT_WORKFLOW'],
    ['a missing permission', ['Permission to acme/w.git denied to github-actions[bot].', 'The requested URL returned error: 403'], 'ERR_PIN_COMMIT_DENIED'],
    ['a reason nobody knows', ['we are closed on Sundays'], 'ERR_PIN_COMMIT_REFUSED'],
  ])('that is refused because of %s is told so, and not tried again', async (_, lines, code) => {
    const count = join(temporaryFolder('count'), 'count');
    hook(`echo x >> ${count}\n${remarked(...lines)}\nexit 1`);
    const error = await errorOf(() => commitIn(root));
    expect(error).toMatchObject({ code, message: expect.stringContaining(lines[0]!) });
    expect(readFileSync(count, 'utf8')).toBe('x\n');
    expect(tip()).toBe(built);
  });

  it('that lost a race is made again at the new tip', async () => {
    const other = clone();
    put(other, 'src/a.ts', '9\n');
    git(other, 'commit', '--quiet', '-am', 'theirs');
    git(other, 'push', '--quiet', 'origin', 'HEAD:refs/heads/waiting');
    const theirs = git(other, 'rev-parse', 'HEAD');
    // The first push finds that the branch has just moved.
    hook(`test -e moved && exit 0\ntouch moved\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/staging ${theirs}\nexit 0`);
    expect(await commitIn(root)).toMatchObject({ outcome: 'committed', parent: theirs });
    expect(at(tip(), FILE)).toBe(textOf(second, built));
    expect(existsSync(join(remote, 'moved'))).toBe(true);
  });

  it('that loses every race ends, and says so', async () => {
    let waits = 0;
    hook('exit 0');
    writeFileSync(join(remote, 'hooks/update'), '#!/bin/sh\necho "error: cannot lock ref" >&2\nexit 1\n');
    chmodSync(join(remote, 'hooks/update'), 0o755);
    const wait = async () => void (waits += 1);
    expect(await errorOf(() => commitIn(root, {}, {}, wait))).toMatchObject({ code: 'ERR_PIN_COMMIT_RACE' });
    expect(waits).toBe(8);
  });

  it('whose answer was lost is recognised', async () => {
    // The commit arrives, and then the connection ends.
    writeFileSync(join(remote, 'hooks/post-receive'), '#!/bin/sh\nkill -9 $PPID\n');
    chmodSync(join(remote, 'hooks/post-receive'), 0o755);
    const report = await commitIn(root);
    expect(report).toMatchObject({ outcome: 'committed', commit: tip(), parent: built });
    expect(git(remote, 'rev-list', '--count', `${built}..staging`)).toBe('1');
  });

  it('runs no hook of the clone, and takes nothing from the configuration of its user', async () => {
    const ran = join(temporaryFolder('ran'), 'ran');
    for (const name of ['pre-push', 'pre-commit', 'commit-msg', 'reference-transaction', 'post-index-change']) {
      writeFileSync(join(root, '.git/hooks', name), `#!/bin/sh\necho ${name} >> ${ran}\nexit 1\n`);
      chmodSync(join(root, '.git/hooks', name), 0o755);
    }
    for (const [name, value] of [
      ['commit.gpgsign', 'true'],
      ['push.gpgSign', 'true'],
      ['user.signingkey', 'nobody'],
      ['core.autocrlf', 'true'],
      ['push.followTags', 'true'],
      ['push.default', 'matching'],
      ['core.fsmonitor', `echo fsmonitor >> ${ran}; false`],
      ['remote.origin.prune', 'true'],
      ['i18n.commitEncoding', 'ISO-8859-1'],
    ] as const)
      git(root, 'config', name, value);
    put(root, FILE, textOf(second, built).replaceAll('\n', '\r\n'));
    expect(await commitIn(root)).toMatchObject({ outcome: 'committed' });
    expect(at(tip(), FILE)).toBe(textOf(second, built));
    expect(existsSync(ran)).toBe(false);
  });

  it('sends a token by the environment, once and to the remote alone, and names it nowhere', async () => {
    const headers: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      headers.push(request.headers.authorization);
      response.writeHead(403).end('no');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      git(root, 'remote', 'set-url', 'origin', `${origin}/acme/w.git`);
      // What the checkout of GitHub leaves there.
      git(root, 'config', `http.${origin}/.extraheader`, 'AUTHORIZATION: basic b2xk');
      const token = 'ghs_nobodyknowsthistoken';
      const error = await errorOf(() => commitIn(root, {}, { PINLANE_GIT_TOKEN: token, GIT_TRACE_CURL: '1' }));
      expect(error).toMatchObject({ code: 'ERR_PIN_COMMIT_DENIED', message: expect.stringContaining('403') });
      expect(error.message).not.toContain(token);
      const sent = Buffer.from(`x-access-token:${token}`).toString('base64');
      expect(error.message).not.toContain(sent);
      expect(headers).toEqual([`Basic ${sent}`]);
      git(root, 'remote', 'set-url', 'origin', 'http://git.example/acme/w.git');
      expect(await errorOf(() => commitIn(root, {}, { PINLANE_GIT_TOKEN: token }))).toMatchObject({ message: expect.stringContaining('by HTTPS alone') });
      git(root, 'remote', 'set-url', 'origin', `${origin}/acme/w.git`);
      await commitIn(root, {}, {}).catch(() => undefined);
      expect(headers.at(-1)).toBe('basic b2xk');
    } finally {
      server.close();
    }
  });

  it('is no older than its parent, whatever the clock says', async () => {
    const other = clone();
    put(other, 'src/a.ts', '8\n');
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '--quiet', '-am', 'later'], {
      cwd: other,
      env: { ...GIT, GIT_COMMITTER_DATE: '@4102444800 +0000' },
    });
    git(other, 'push', '--quiet', 'origin', 'HEAD:staging');
    await commitIn(root);
    expect(git(remote, 'log', '-1', '--format=%ct', 'staging')).toBe('4102444800');
  });
});
