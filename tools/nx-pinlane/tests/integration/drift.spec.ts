import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { driftReportSchema, type DeployEnvironment, type DriftReport, type Lane, type Ref } from '@pinlane/contracts';
import { newHolder } from '@pinlane/oci';
import { appNameOf, parseSpec, planDeployment, requirePinned } from '@pinlane/pipeline';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { verb as drift } from '../../src/verbs/drift/verb.ts';
import { keepReport, REPORTS_AT_MOST } from '../../src/verbs/drift-report/history.ts';
import { verb as driftReport } from '../../src/verbs/drift-report/verb.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { contextOf, run } from './support/verb-context.ts';

const digestOf = (hex: string): string => `sha256:${hex.repeat(64)}`;
const specOf = (name: string, hex: string | null, more = ''): string =>
  [
    `ref: acme/${name}@1`,
    hex === null ? '' : `image: { platforms: { amd64: 'ghcr.io/acme/${name}@${digestOf(hex)}', arm64: 'ghcr.io/acme/${name}@${digestOf('e')}' } }`,
    more,
  ].join('\n');

let root: string;
const servers: Server[] = [];
const write = (path: string, text: string): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};

interface Deployed {
  readonly environment?: DeployEnvironment;
  readonly lane?: Lane;
  readonly spec?: string;
  readonly changed?: Readonly<Record<string, unknown>>;
  readonly app?: string;
  readonly serves?: string | number;
}

/** Writes what a deployment to this machine leaves, with this very process as its supervisor, and answers as its processor would. */
const deployed = async (name: string, { environment = 'staging', lane = 'staging', spec = specOf(name, 'a'), changed = {}, app, serves }: Deployed = {}) => {
  const pinned = requirePinned(parseSpec(spec, { file: 'registry.yaml' }).spec, { file: 'registry.yaml', platforms: ['linux/amd64'] });
  const plan = planDeployment(pinned, { lane, environment, platform: 'linux/amd64', branch: undefined, user: 'ann' });
  const server = createServer((_, response) => {
    if (typeof serves === 'number') response.writeHead(serves);
    response.end(JSON.stringify({ ok: true, image_digest: serves ?? plan.image.digest }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const folder = `.pinlane/deployments/${environment}/${app ?? plan.place.app}`;
  const state = {
    ...{ kind: 'LocalApp', adapter: 'local', version: 1, stopped: false, port, digest: plan.image.digest, plan, secret: null, runtime: 'host' },
    ...{ deployedAt: '2026-11-20T12:00:00.000Z', deployedBy: 'mallory', ...changed },
  };
  write(`${folder}/app.json`, JSON.stringify(state));
  write(`${folder}/v1.json`, JSON.stringify({ holder: await newHolder(), phase: 'serving', port, restarts: 0, why: null }));
};
const add = (name: string, text: string): void => write(`processors/acme-${name}/registry.yaml`, text);
const options = { lane: 'staging', adapter: 'local', platform: 'linux/amd64' };
const report = async (more: object = {}, env: Readonly<Record<string, string>> = {}) => {
  const { document, ...outcome } = await run(driftReport, { ...options, ...more }, contextOf(root, { env }));
  return { ...outcome, document: document as DriftReport };
};
const one = async (name: string, more: object = {}) => {
  const context = contextOf(root, { project: `acme-${name}`, projectRoot: `processors/acme-${name}` });
  const { document, ...outcome } = await run(drift, { ...options, ...more }, context);
  return { ...outcome, document: document as DriftReport, entry: (document as DriftReport).entries[0]! };
};
const verdicts = ({ entries }: DriftReport) => Object.fromEntries(entries.map(({ app, verdict }) => [app, verdict]));

beforeEach(() => {
  root = temporaryFolder('drift');
  write('nx.json', '{ "plugins": ["@pinlane/nx"] }');
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe('drift of one processor, on this machine', () => {
  it('is none where what is pinned is configured, and its report stays beside that of its acceptance', async () => {
    add('one', specOf('one', 'a'));
    await deployed('one');
    const { entry, exitCode, lines, document } = await one('one');
    expect([exitCode, document.verdict, document.lane, document.environment]).toEqual([0, 'in-sync', 'staging', 'staging']);
    expect(entry).toMatchObject({ ref: 'acme/one@1', app: 'acme-one-v1', verdict: 'in-sync', serving: null, nameLeadsToPin: null });
    expect(lines[1]).toMatch(/^acme-one-v1 {2}in-sync {2}a{12} {2}a{12} /);
    expect(JSON.parse(readFileSync(join(root, '.pinlane/reports/acme-one/drift.json'), 'utf8'))).toEqual(document);
  });

  it.each<[string, string | null, Deployed | null, number, string, RegExp]>([
    ['another image', 'b', {}, 2, 'drifted', /the image is sha256:a+, and sha256:b+ is to run since 2026-11-20T12:00:00.000Z by mallory/],
    ['the image of the other platform', 'b', { spec: specOf('one', 'e') }, 2, 'drifted', /pinned for linux\/arm64/],
    ['other resources', 'a', { spec: specOf('one', 'a', 'runtime: { cpu: 7 }') }, 2, 'drifted', /cpu is 7, and registry.yaml says/],
    ['a secret that it should not have', 'a', { changed: { secret: { name: 'other', keys: ['A'], mark: '' } } }, 2, 'drifted', /secret other/],
    ['a stopped app', 'a', { changed: { stopped: true, stoppedAt: '2026-11-21T00:00:00.000Z', stoppedBy: 'eve' } }, 2, 'stopped', /since 2026-11-21.* by eve/],
    ['no app', 'a', null, 2, 'missing', /nothing runs in staging/],
    ['no pin and no app', null, null, 0, 'in-sync', /nothing is pinned/],
    ['no pin and an app', null, {}, 2, 'drifted', /pins nothing/],
    ['an app whose state nobody can read', 'a', { changed: { version: 'one' } }, 1, 'unverifiable', /can not be read/],
  ])('finds and names %s', async (_, hex, state, exitCode, verdict, message) => {
    add('one', specOf('one', hex));
    if (state !== null) await deployed('one', state);
    const found = await one('one');
    expect([found.exitCode, found.entry.verdict]).toEqual([exitCode, verdict]);
    expect(found.entry.message).toMatch(message);
    expect(found.lines.at(-1)).toMatch(exitCode === 0 ? /1 in-sync/ : exitCode === 1 ? /^ERR_DRIFT_UNKNOWN[^]*fix:/ : /^ERR_DRIFT:[^]*fix:/);
  });

  it('tells where else a missing app runs', async () => {
    add('one', specOf('one', 'a'));
    await deployed('one', { environment: 'main' });
    const { entry } = await one('one');
    expect(entry).toMatchObject({ verdict: 'missing', message: expect.stringContaining('runs in main instead') });
    expect(entry.differences).toContainEqual({ what: 'environment', name: null, expected: 'staging', found: 'main' });
  });

  it.each<[string, Deployed, number, string]>([
    ['serves it', {}, 0, 'in-sync'],
    ['serves another digest than is configured', { serves: digestOf('f') }, 2, 'drifted'],
    ['serves, and is no processor', { serves: 'hello' }, 2, 'drifted'],
    ['wants credentials', { serves: 401 }, 1, 'unverifiable'],
    ['does not start', { serves: 503 }, 1, 'unverifiable'],
  ])('asks the app itself only with --live: one that %s', async (_, state, exitCode, verdict) => {
    add('one', specOf('one', 'a'));
    await deployed('one', state);
    expect(await one('one')).toMatchObject({ exitCode: 0, entry: { serving: null } });
    const asked = await one('one', { live: true, liveTimeout: 1 });
    expect(asked).toMatchObject({ exitCode, entry: { verdict }, document: { live: true } });
    expect(asked.entry.serving).not.toBeNull();
  });

  it('is a task of a run that comes after a deployment, and is looked for anew each time', async () => {
    expect(drift.target).toEqual({ dependsOn: ['modal-deploy'], example: { lane: 'staging' } });
    expect(drift.subject).toBe('processor');
  });
});

describe('the report on a workspace', () => {
  it('tells of all processors, and of apps that no registry.yaml claims, with one exit code and one document', async () => {
    for (const [name, hex] of [
      ['one', 'a'],
      ['two', 'b'],
      ['three', 'a'],
      ['base', null],
    ] as const)
      add(name, specOf(name, hex));
    for (const name of ['one', 'two', 'gone']) await deployed(name);
    const { document, exitCode, lines } = await report();
    expect(driftReportSchema.parse(document)).toEqual(document);
    expect(verdicts(document)).toEqual({
      ...{ 'acme-gone-v1': 'orphan', 'acme-three-v1': 'missing', 'acme-two-v1': 'drifted', 'acme-base-v1': 'in-sync', 'acme-one-v1': 'in-sync' },
    });
    expect([exitCode, document.verdict]).toEqual([2, 'drift']);
    expect(lines.join('\n')).toContain('staging on local, lane staging: 2 in-sync, 1 orphan, 1 missing, 1 drifted');
    expect(lines.at(-1)).toMatch(/^ERR_DRIFT: .*acme-gone-v1, acme-three-v1, acme-two-v1/);
    // What is drifted and what could not be told: drift outweighs.
    write('.pinlane/deployments/staging/acme-one-v1/app.json', '{');
    expect(await report()).toMatchObject({ exitCode: 2, document: { verdict: 'drift' } });
  });

  it('is good where all is in sync, 1 where something could not be told, and 2 for a lone orphan outside of dev', async () => {
    add('one', specOf('one', 'a'));
    await deployed('one');
    expect((await report()).exitCode).toBe(0);
    await deployed('old');
    expect((await report()).exitCode).toBe(2);
    rmSync(join(root, '.pinlane/deployments/staging/acme-old-v1'), { recursive: true });
    write('.pinlane/deployments/staging/acme-one-v1/app.json', '{');
    expect(await report()).toMatchObject({ exitCode: 1, document: { verdict: 'unknown' } });
  });

  it('tells dev apps of other branches with their age, and finds nothing in that', async () => {
    const app = appNameOf('acme/one@1' as Ref, 'dev', { branch: 'detached', user: userInfo().username });
    add('one', specOf('one', 'a'));
    await deployed('one', { environment: 'dev', lane: 'local', app });
    await deployed('one', { environment: 'dev', lane: 'local', app: 'feature-ann-acme-one-v1', changed: { deployedAt: '2020-01-01T00:00:00.000Z' } });
    const { document, exitCode } = await report({ lane: 'local' });
    expect([exitCode, document.environment]).toEqual([0, 'dev']);
    expect(verdicts(document)).toEqual({ [app]: 'in-sync', 'feature-ann-acme-one-v1': 'orphan' });
    expect(document.entries[0]!.message).toMatch(/^stale: no registry.yaml claims it, deployed \d{4} days ago by mallory$/);
  });

  it('does not take an app for an orphan that a broken registry.yaml may claim', async () => {
    add('one', specOf('one', 'a'));
    add('broken', 'ref: [');
    await deployed('one');
    await deployed('broken', { spec: specOf('broken', 'a') });
    const { document, exitCode } = await report();
    expect(exitCode).toBe(1);
    expect(verdicts(document)).toEqual({
      ...{ 'acme-broken-v1': 'unverifiable', 'processors/acme-broken/registry.yaml': 'unverifiable', 'acme-one-v1': 'in-sync' },
    });
  });

  it('reads the processors that nx.json names, and no other registry.yaml', async () => {
    write('nx.json', '{ "plugins": [{ "plugin": "@pinlane/nx", "options": { "folders": ["apps", "apps/x"] } }] }');
    write('apps/x/one/registry.yaml', specOf('one', 'a'));
    write('tests/fixtures/registry.yaml', specOf('fixture', 'a'));
    expect(verdicts((await report()).document)).toEqual({ 'acme-one-v1': 'missing' });
  });

  it('refuses a lane that deploys nothing, and processors of several adapters unless one is named', async () => {
    add('one', specOf('one', 'a', 'deploy: { adapter: local }'));
    add('two', specOf('two', 'a', 'deploy: { adapter: modal }'));
    expect(await errorOf(() => report({ lane: 'pr' }))).toMatchObject({ code: 'ERR_LANE_FORBIDS' });
    const without = { lane: 'staging', platform: 'linux/amd64' };
    expect(await errorOf(() => run(driftReport, without, contextOf(root)))).toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringContaining('local and modal'),
    });
    const { document } = await run(driftReport, without, contextOf(root, { env: { PINLANE_ADAPTER: 'local' } }));
    expect(document).toMatchObject({ adapter: 'local', entries: [{ verdict: 'missing' }, { verdict: 'missing' }] });
  });

  it('stays as a file of its environment, and only so many of them do', async () => {
    add('one', specOf('one', 'a'));
    await deployed('one');
    const { document } = await report();
    const folder = join(root, '.pinlane/reports/drift/staging');
    expect(readdirSync(folder)).toEqual([`${document.at.replaceAll(':', '-')}.json`]);
    expect(JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8'))).toEqual(document);
    write('.pinlane/reports/drift/staging/notes.json', 'mine');
    for (let at = 0; at < REPORTS_AT_MOST + 3; at++)
      await keepReport({ ...document, at: new Date(Date.UTC(2027, 0, 1) + at * 1000).toISOString() }, workspacePaths(root, 'staging'));
    const kept = readdirSync(folder).sort();
    expect(kept).toHaveLength(REPORTS_AT_MOST + 1);
    expect(kept[0]).toBe('2027-01-01T00-00-03.000Z.json');
    expect(kept.at(-1)).toBe('notes.json');
  });
});
