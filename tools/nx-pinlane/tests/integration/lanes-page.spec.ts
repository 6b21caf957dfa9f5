import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LaneCell, LanesReport } from '@pinlane/contracts';
import { driftReportOf, errorOf, hoursBefore, inSyncEntry, temporaryFolder } from '@pinlane/testing';
import { pinCommitMessage } from '@pinlane/pipeline';
import { verb } from '../../src/verbs/lanes/verb.ts';
import { restorable } from './support/restorable.ts';
import { contextOf, run } from './support/verb-context.ts';

const GIT = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
const RUN = 'https://github.com/acme/processors/actions/runs/7';

let root: string;
let clock: number;

/** Commits are a minute apart. */
const gitIn = (folder: string, ...args: string[]): string => {
  const date = `${(clock += 60)} +0000`;
  const env = { ...GIT, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const out = execFileSync('git', ['-c', 'user.name=ann', '-c', 'user.email=ann@localhost', ...args], { cwd: folder, encoding: 'utf8', env, stdio: 'pipe' });
  return out.trim();
};
const git = (...args: string[]): string => gitIn(root, ...args);
const head = (): string => git('rev-parse', 'HEAD');

const put = (files: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};
const commit = (message: string, files: Readonly<Record<string, string>>): string => {
  put(files);
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', message);
  return head();
};
const on = (branch: string): void => void git('checkout', '--quiet', branch);

const fileOf = (name: string): string => `processors/acme-${name}/registry.yaml`;
const digest = (digit: string): string => `sha256:${digit.repeat(64).slice(0, 64)}`;
/** A registry.yaml that pins images whose digests are made of some digits; nothing if there are none. */
const spec = (name: string, digits: string | null, more = ''): string =>
  digits === null
    ? `ref: acme/${name}@1\n${more}`
    : [
        `ref: acme/${name}@1`,
        'image:',
        '  platforms:',
        `    amd64: ghcr.io/acme/${name}@${digest(`${digits}a`)}`,
        `    arm64: ghcr.io/acme/${name}@${digest(`${digits}b`)}`,
        `  index: ghcr.io/acme/${name}@${digest(`${digits}c`)}`,
        `  source: { fingerprint: ${digest(digits)}, revision: ${'1'.repeat(40)} }`,
        more,
      ].join('\n');
/** A pin commit as the pipeline makes it, of what is checked out. */
const pin = (digits: string, names = ['one'], more: Readonly<Record<string, string>> = {}): string => {
  const changes = names.map((name) => ({ file: fileOf(name), name: `acme/${name}@1`, before: {}, after: {} }));
  const message = pinCommitMessage('staging', changes, { source: head(), run: RUN });
  return commit(message, { ...Object.fromEntries(names.map((name) => [fileOf(name), spec(name, digits)])), ...more });
};

const REFS = { dev: 'dev', staging: 'staging', main: 'main' };
const ask = async (options: Readonly<Record<string, unknown>> = {}, folder = root) => {
  const context = contextOf(folder, { env: { PATH: process.env['PATH'] } });
  const outcome = await run(verb, { ...REFS, ...options }, context);
  return { report: outcome.document as LanesReport, lines: outcome.lines, notes: context.notes, exitCode: outcome.exitCode };
};
const cell = ({ rows, lanes }: LanesReport, lane: string, name = 'acme/one@1'): LaneCell => {
  const found = rows.find((row) => row.name === name)?.cells[lanes.findIndex((each) => each.lane === lane)];
  if (found == null) throw new Error(`there is no ${name} in ${lane}`);
  return found;
};
const since = async (lane: string, name?: string): Promise<unknown> => {
  const { since: told } = cell((await ask()).report, lane, name);
  return told?.known ? told.value.commit : told;
};
const writer = async (lane: string): Promise<unknown> => {
  const { writtenBy: told } = cell((await ask()).report, lane);
  return told?.known ? { commit: told.value.commit, way: told.value.way } : told;
};

let first: { readonly folder: string; readonly clock: number; readonly restore: () => void };
beforeAll(() => {
  root = temporaryFolder('lanes');
  clock = 1_790_000_000;
  git('init', '--quiet', '--initial-branch=main');
  commit('first', { 'nx.json': '{}', '.gitignore': '.pinlane/\n', [fileOf('one')]: spec('one', null), [fileOf('two')]: spec('two', null) });
  for (const branch of ['staging', 'dev']) git('branch', branch);
  first = { folder: root, clock, restore: restorable(root) };
});
beforeEach(() => {
  first.restore();
  [root, clock] = [first.folder, first.clock];
  git('update-index', '-q', '--refresh');
});

describe('what the page of lanes says is pinned', () => {
  it('is, in staging, what the pin commit wrote, with its source, its run and its time', async () => {
    on('staging');
    const source = commit('work', { 'a.ts': '1' });
    const pinned = pin('1');
    commit('later', { 'a.ts': '2', [fileOf('one')]: spec('one', '1', 'runtime: { cpu: 2 }\n') });
    const { report } = await ask();
    const { pins, since: first, writtenBy, standing } = cell(report, 'staging');
    expect(pins.amd64).toBe(`ghcr.io/acme/one@${digest('1a')}`);
    expect(first).toMatchObject({ known: true, value: { commit: pinned, by: 'ann', at: expect.stringMatching(/^2026-09-21T/) } });
    expect(writtenBy).toMatchObject({ known: true, value: { commit: pinned, source, run: RUN, way: 'history' } });
    expect([standing, cell(report, 'main').standing, cell(report, 'staging', 'acme/two@1').standing]).toEqual(['waiting', 'unpinned', 'unpinned']);
  });

  it.each<[string, (pinned: string) => void, 'history' | 'content']>([
    ['merged by a pull request', () => git('merge', '--quiet', '--no-ff', '-m', 'Promote', 'staging'), 'history'],
    ['fast-forwarded', () => git('merge', '--quiet', '--ff-only', 'staging'), 'history'],
    ['squashed', () => (git('merge', '--quiet', '--squash', 'staging'), git('commit', '--quiet', '-m', 'Promote (#7)')), 'content'],
    ['cherry-picked', (pinned) => git('cherry-pick', pinned), 'content'],
  ])('is, in main, since the commit by which it was %s, and written by the pin commit of staging', async (_, promote, way) => {
    on('main');
    commit('a fix', { 'b.ts': '1' });
    on('staging');
    if (_ === 'fast-forwarded') git('merge', '--quiet', 'main');
    const pinned = pin('1');
    on('main');
    promote(pinned);
    const promoted = head();
    commit('after', { 'b.ts': '2' });
    expect(await since('main')).toBe(promoted);
    expect(await writer('main')).toEqual({ commit: pinned, way });
    expect((await ask()).report.waiting).toMatchObject({ known: true, value: { pins: [] } });
  });

  it('is, after a revert of a pin commit, since the revert, and written by the pin commit before', async () => {
    on('staging');
    const first = pin('1');
    pin('2');
    git('revert', '--no-edit', 'HEAD');
    expect(await since('staging')).toBe(head());
    expect(await writer('staging')).toEqual({ commit: first, way: 'history' });
  });

  it('is found again where a file was moved', async () => {
    on('staging');
    const pinned = pin('1');
    git('mv', 'processors/acme-one', 'processors/other');
    git('commit', '--quiet', '-m', 'move');
    expect(await since('staging')).toBe(pinned);
    expect(await writer('staging')).toEqual({ commit: pinned, way: 'history' });
  });

  it.each<[string, () => void, RegExp]>([
    ['were edited by hand', () => commit('by hand', { [fileOf('one')]: spec('one', '9') }), /^no pin commit of staging wrote these pins$/],
    ['came with more than pins', () => pin('9', ['one'], { 'a.ts': '9' }), /is no pin commit: it has more in it/],
    [
      'name a source that is not there',
      () => commit(`ci(staging): pin processor images\n\nx\n\nPinlane-Source: ${'f'.repeat(40)}`, { [fileOf('one')]: spec('one', '9') }),
      /its source does not come before it/,
    ],
  ])('says of pins that %s that no pin commit wrote them', async (_, write, reason) => {
    on('staging');
    pin('1');
    write();
    expect(await writer('staging')).toMatchObject({ known: false, reason: expect.stringMatching(reason) });
    expect(await since('staging')).toBe(head());
  });

  it('believes no trailer of another branch', async () => {
    on('main');
    pin('3');
    expect(await writer('main')).toEqual({ known: false, reason: 'no pin commit of staging wrote these pins' });
  });

  it('tells what waits for main: pins, and commits that are neither merges nor pins', async () => {
    on('dev');
    const [one, two] = [commit('feat: one', { 'a.ts': '1' }), commit('feat: two', { 'a.ts': '2' })];
    on('staging');
    git('merge', '--quiet', '--no-ff', '-m', 'merge dev', 'dev');
    pin('1');
    const { report, lines } = await ask();
    expect(report.waiting).toMatchObject({
      known: true,
      value: {
        pins: ['amd64', 'arm64', 'index'].map((each) => ({ name: 'acme/one@1', pin: each, main: null, staging: expect.stringContaining('sha256:1') })),
        commits: [{ commit: two, subject: 'feat: two', by: 'ann' }, { commit: one }],
        more: 0,
      },
    });
    expect(lines).toContain('1 processor waits for main, after 2 commits');
  });

  it('tells of a branch that is missing, and of what can not be told without it', async () => {
    on('staging');
    pin('1');
    git('branch', '-D', 'main');
    const { report, notes, exitCode } = await ask();
    expect(report.lanes.map(({ tip }) => tip.known)).toEqual([true, true, false]);
    expect(report.waiting).toEqual({ known: false, reason: 'the branch of main is not known here' });
    expect(report.rows.every(({ cells }) => cells[2] === null)).toBe(true);
    expect(notes.join('\n')).toMatch(/lane main is not told of: main is not to be found in this clone/);
    expect(exitCode).toBe(0);
    const error = await errorOf(() => run(verb, { dev: 'x', staging: 'y', main: 'z' }, contextOf(root)));
    expect(error).toMatchObject({ problems: [{ code: 'ERR_GIT_UNUSABLE', fix: expect.stringContaining('git fetch origin') }] });
  });

  it('does not take the beginning of a shallow clone for the commit that pinned', async () => {
    on('staging');
    pin('1');
    commit('later', { 'a.ts': '1' });
    const shallow = join(temporaryFolder('lanes-shallow'), 'clone');
    gitIn(dirname(shallow), 'clone', '--quiet', '--depth=1', '--no-single-branch', `file://${root}`, shallow);
    const { report, notes } = await ask({ dev: 'origin/dev', staging: 'origin/staging', main: 'origin/main' }, shallow);
    const { since: first, writtenBy } = cell(report, 'staging');
    expect(first).toMatchObject({ known: false, reason: expect.stringContaining('this clone has a part of the history only, from') });
    expect(writtenBy).toMatchObject({ known: false, reason: expect.stringContaining('a part of the history only') });
    expect(notes.join('\n')).toContain('git fetch --unshallow');
  });

  it('asks no network for what a partial clone lacks, and says what it lacks', async () => {
    on('staging');
    pin('1');
    git('config', 'uploadpack.allowFilter', 'true');
    const partial = join(temporaryFolder('lanes-partial'), 'clone');
    gitIn(dirname(partial), 'clone', '--quiet', '--filter=blob:none', '--no-checkout', `file://${root}`, partial);
    writeFileSync(join(partial, 'nx.json'), '{}');
    const objects = (): string => execFileSync('git', ['count-objects', '-v'], { cwd: partial, encoding: 'utf8' });
    const before = objects();
    const asked = await errorOf(() => ask({ dev: 'origin/dev', staging: 'origin/staging', main: 'origin/main' }, partial));
    expect(objects()).toBe(before);
    expect(asked).toMatchObject({ problems: [{ code: 'ERR_GIT_UNUSABLE', message: expect.stringContaining('could not fetch') }] });
  });

  it('tells of a file that can not be read in a branch, and of the others all the same', async () => {
    on('staging');
    pin('1', ['two']);
    commit('broken', { [fileOf('one')]: 'ref: [\n', 'processors/odd/registry.yaml': `ref: acme/odd@1\nimage: { platforms: { amd64: "<b>x</b>" } }\n` });
    const { report } = await ask();
    expect(cell(report, 'staging', fileOf('one'))).toMatchObject({ standing: 'unknown', unread: expect.any(String), pins: {} });
    expect(cell(report, 'staging', 'processors/odd/registry.yaml').unread).toContain('reference');
    expect(cell(report, 'staging', 'acme/two@1').standing).toBe('waiting');
  });

  it('reads a workspace that is a folder of its repository', async () => {
    on('staging');
    const inner = join(root, 'deep [x]');
    commit('inner', { 'deep [x]/nx.json': '{}', 'deep [x]/processors/in/registry.yaml': spec('in', '4') });
    const { report } = await ask({}, inner);
    expect(report.rows.map(({ name }) => name)).toEqual(['acme/in@1']);
    expect(cell(report, 'staging', 'acme/in@1')).toMatchObject({ file: 'processors/in/registry.yaml', since: { known: true, value: { commit: head() } } });
  });
});

const acceptance = (lane: string, digits: string, { at = '2026-11-01T00:00:00.000Z', verdict = 'accepted', more = {} } = {}) => ({
  kind: 'AcceptanceReport',
  schemaVersion: 1,
  ref: 'acme/one@1',
  image: `ghcr.io/acme/one@${digest(digits)}`,
  digest: digest(digits),
  platform: 'linux/amd64',
  lane,
  pinned: true,
  isolation: { runtime: 'bubblewrap', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' },
  verdict,
  checks: [],
  startedAt: at,
  durationMs: 1,
  healthyAfterMs: 1,
  log: null,
  ...more,
});
const report = (path: string, value: unknown): void => put({ [`.pinlane/reports/${path}`]: typeof value === 'string' ? value : JSON.stringify(value) });
const drift = (environment: 'staging' | 'main', digits: string, hours = 1) => {
  const entry = inSyncEntry('acme/one@1', { environment, by: 'deployer' });
  return driftReportOf(environment, [{ ...entry, observed: { ...entry.observed!, image: { known: true, value: digest(digits) as never } } }], { hours });
};

describe('what the page of lanes says is accepted and deployed', () => {
  beforeEach(() => {
    on('staging');
    pin('1');
    on('main');
    git('merge', '--quiet', '--no-ff', '-m', 'Promote', 'staging');
  });

  it('is not known where there is no report', async () => {
    const { report: told, lines } = await ask();
    expect(cell(told, 'staging').accepted.amd64).toEqual({ known: false, reason: 'no report here is about this digest' });
    expect(cell(told, 'main').deployed).toEqual({ known: false, reason: 'no report here tells what is deployed' });
    expect(cell(told, 'staging').standing).toBe('unknown');
    expect(lines.join('\n')).toContain('acceptance is not known here: no report');
  });

  it('is what reports of this workspace tell, and those that CI kept, run by run', async () => {
    report('acme-one/acceptance-amd64.json', acceptance('staging', '1a'));
    report('ci/run-7/acme-one/acceptance-arm64.json', acceptance('main', '1b', { more: { platform: 'linux/arm64' } }));
    report('drift/staging/2026-11-28T06-11-00.000Z.json', drift('staging', '1a'));
    report('drift/main/2026-11-28T06-11-00.000Z.json', drift('main', '1b'));
    const { report: told } = await ask();
    expect(cell(told, 'staging')).toMatchObject({
      standing: 'settled',
      accepted: { amd64: { known: true, value: [{ lane: 'staging', verdict: 'accepted', told: 'report' }] } },
      deployed: { known: true, value: { digest: digest('1a'), by: 'deployer', adapter: 'modal' } },
    });
    expect(cell(told, 'main')).toMatchObject({ standing: 'settled', accepted: { arm64: { known: true, value: [{ lane: 'main' }] } } });
  });

  it('is by the evidence that main found on the image, and by the proof of promotion', async () => {
    const isolation = acceptance('main', '1a').isolation;
    const found = [
      {
        artifact: digest('e'),
        lane: 'staging',
        startedAt: '2026-10-01T00:00:00.000Z',
        passed: 3,
        isolation,
        origin: { workspace: 'w', revision: null, run: RUN },
      },
    ];
    report('acme-one/acceptance-amd64.json', acceptance('main', '1a', { more: { evidence: { found, ignored: [] } } }));
    const { report: told } = await ask();
    expect(cell(told, 'main').accepted.amd64).toMatchObject({
      known: true,
      value: [
        { lane: 'main', told: 'report' },
        { lane: 'staging', told: 'evidence', run: RUN },
      ],
    });
  });

  it('is the newest word of a lane, whichever file has it', async () => {
    report('a/acceptance-amd64.json', acceptance('staging', '1a', { at: '2026-11-02T00:00:00.000Z', verdict: 'rejected' }));
    report('b/acceptance-amd64.json', acceptance('staging', '1a', { at: '2026-11-01T00:00:00.000Z' }));
    expect(cell((await ask()).report, 'staging').standing).toBe('rejected');
    report('c/acceptance-amd64.json', acceptance('staging', '1a', { at: '2026-11-03T00:00:00.000Z' }));
    expect(cell((await ask()).report, 'staging').standing).toBe('unknown');
  });

  it('says that something else is deployed than what is pinned', async () => {
    report('drift/staging/2026-11-28T06-11-00.000Z.json', drift('staging', '7f'));
    const { report: told, lines } = await ask();
    expect(cell(told, 'staging').standing).toBe('differs');
    expect(lines.join('\n')).toMatch(/acme\/one@1 +staging +differs .* 7f7f7f7f7f7f/);
  });

  it('believes the newest report of what is deployed, be it the document of a deployment or a report of drift', async () => {
    const deployment = (digits: string, at: string, outcome = 'deployed') => ({
      ...{ kind: 'Deployment', schemaVersion: 1, at, ref: 'acme/one@1', lane: 'staging', adapter: 'modal', environment: 'staging', app: 'acme-one-v1' },
      ...{ image: `ghcr.io/acme/one@${digest(digits)}`, platform: 'linux/amd64', outcome, reasons: [], url: null },
      ...{ configured: { known: true, value: digest(digits) }, serving: { known: false, reason: 'x' }, revision: null, evidence: null },
    });
    const told = async () => cell((await ask()).report, 'staging').deployed;
    report('acme-one/deployment.json', deployment('1a', hoursBefore(9)));
    expect(await told()).toMatchObject({ known: true, value: { digest: digest('1a'), seen: hoursBefore(9), since: hoursBefore(9) } });
    report('acme-one/a-plan.json', deployment('99', hoursBefore(1), 'planned'));
    report('acme-one/again.json', deployment('7f', hoursBefore(8), 'unchanged'));
    expect(await told()).toMatchObject({ known: true, value: { digest: digest('7f'), since: null } });
    report('drift/staging/2026-11-28T06-11-00.000Z.json', drift('staging', '1a', 7));
    expect(await told()).toMatchObject({ known: true, value: { digest: digest('1a'), by: 'deployer' } });
    report('acme-one/stopped.json', deployment('1a', hoursBefore(6), 'stopped'));
    expect(await told()).toMatchObject({ known: true, value: { digest: null } });
    report('acme-one/taken-back.json', deployment('1a', hoursBefore(5), 'rolled-back'));
    expect(await told()).toMatchObject({ known: false, reason: expect.stringContaining('taken back') });
  });

  it.each<[string, unknown, RegExp | null]>([
    ['is not JSON', '{', /is ignored, because it is not JSON/],
    ['says that it is a report and is none', { kind: 'AcceptanceReport' }, /it is no AcceptanceReport that this version/],
    ['is of another kind', { kind: '__proto__' }, null],
    ['is null', 'null', null],
  ])('ignores a file that %s', async (_, value, warned) => {
    report('odd.json', value);
    const { notes, exitCode } = await ask();
    expect(exitCode).toBe(0);
    if (warned === null) expect(notes).toEqual([]);
    else expect(notes.join('\n')).toMatch(warned);
  });
});

describe('the page of lanes', () => {
  it('lies beside the page of drift, and each leads to the other', async () => {
    on('staging');
    pin('1');
    const page = join(root, '.pinlane/reports/lanes/index.html');
    const { lines } = await ask();
    expect(lines.at(-1)).toBe('page: .pinlane/reports/lanes/index.html');
    expect(readFileSync(page, 'utf8')).not.toContain('../drift/index.html');
    expect(existsSync(join(root, '.pinlane/reports/drift'))).toBe(false);
    report('drift/index.html', 'old');
    report('drift/staging/2026-11-28T06-11-00.000Z.json', drift('staging', '1a'));
    await ask();
    expect(readFileSync(page, 'utf8')).toContain('<a href="../drift/index.html">drift</a>');
    expect(readFileSync(join(root, '.pinlane/reports/drift/index.html'), 'utf8')).toContain('<a href="../lanes/index.html">lanes</a>');
  });

  it('is told in the summary of a step', async () => {
    on('staging');
    pin('1');
    const file = join(temporaryFolder('lanes-step'), 'summary.md');
    await run(verb, REFS, contextOf(root, { env: { GITHUB_STEP_SUMMARY: file } }));
    expect(readFileSync(file, 'utf8')).toMatch(/^### 1 processor waits for main.*\n[^]*\| 🔷 Waiting \| <code>acme/);
  });

  it('asks git no more often for many processors than for few', async () => {
    const bin = temporaryFolder('lanes-git');
    const [count, real] = [join(bin, 'count'), execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()];
    writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$@" >> ${count}\nexec ${real} "$@"\n`, { mode: 0o755 });
    const questions = async (): Promise<number> => {
      writeFileSync(count, '');
      const path = process.env['PATH'];
      process.env['PATH'] = `${bin}:${path}`;
      try {
        await run(verb, REFS, contextOf(root, { env: { PATH: process.env['PATH'] } }));
      } finally {
        process.env['PATH'] = path;
      }
      return readFileSync(count, 'utf8').split('\n').length;
    };
    on('staging');
    pin('1');
    const few = await questions();
    const names = Array.from({ length: 50 }, (_, at) => `p${at}`);
    commit('fifty', Object.fromEntries(names.map((name) => [fileOf(name), spec(name, null)])));
    for (let at = 0; at < 20; at++) {
      commit(`work ${at}`, { 'a.ts': String(at) });
      pin(`${(at % 8) + 1}${at % 10}`, names.slice(at * 2, at * 2 + 12));
    }
    // A few more, because what is looked for is further back.
    expect(await questions()).toBeLessThanOrEqual(few + 16);
  }, 120_000);
});
