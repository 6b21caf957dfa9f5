import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createModalHosting } from '@pinlane/adapters';
import { digestSchema, type DeployEnvironment, type DriftEntry, type DriftReport } from '@pinlane/contracts';
import { parseSpec, planDeployment, requirePinned, type DeploymentPlan, type HostingIo } from '@pinlane/pipeline';
import { errorOf, lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import { standInEnvironment, startModalStandIn, type ContainerPlan, type ModalStandIn, type StandInOptions } from '@pinlane/testing/modal';
import { verb as drift } from '../../src/verbs/drift/verb.ts';
import { verb as driftReport } from '../../src/verbs/drift-report/verb.ts';
import { verb as smoke } from '../../src/verbs/smoke/verb.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { contextOf, run } from './support/verb-context.ts';

const digestOf = (hex: string) => digestSchema.parse(`sha256:${hex.repeat(64)}`);
const specOf = (hex: string, more = '', name = 'one'): string =>
  `ref: acme/${name}@1\nimage: { platforms: { amd64: 'ghcr.io/acme/${name}@${digestOf(hex)}', arm64: 'ghcr.io/acme/${name}@${digestOf('e')}' } }\n${more}`;
const APP = 'acme-one-v1';
const io: HostingIo = { progress: () => undefined, signal: new AbortController().signal };

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

/** A processor as far as /healthz tells. */
const startHealthy = async ({ environment }: ContainerPlan) => {
  const server = createServer((_, response) => response.end(JSON.stringify({ ok: true, image_digest: environment.get('IMAGE_DIGEST') })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
};

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('drift, by the real clients of Modal', () => {
  const warm = withWarmPython();
  let standIn: ModalStandIn;
  let root: string;
  const start = async (options: Partial<StandInOptions> = {}) => {
    standIn = await startModalStandIn({ python: warm(), start: startHealthy, ...options });
  };
  // Nothing of it needs the Python client.
  const envOf = (more: Readonly<Record<string, string | undefined>> = {}) => ({
    ...{ PATH: process.env['PATH'], ...standInEnvironment(standIn), PINLANE_MODAL_PYTHON: '/nowhere/python', ...more },
  });
  const proxy = () => ({ MODAL_PROXY_KEY: standIn.proxyToken.key, MODAL_PROXY_SECRET: standIn.proxyToken.secret });
  const hosting = () => createModalHosting({ env: envOf(), python: warm(), folder: workspacePaths(root, 'staging').modal, commandOf: async () => ['serve'] });
  const planOf = (spec: string, environment: DeployEnvironment = 'staging', hex?: string): DeploymentPlan => {
    const pinned = requirePinned(parseSpec(spec, { file: 'registry.yaml' }).spec, { file: 'registry.yaml', platforms: ['linux/amd64'] });
    const plan = planDeployment(pinned, { lane: 'staging', environment, platform: 'linux/amd64', branch: undefined, user: 'ann' });
    return hex === undefined ? plan : { ...plan, image: { ...plan.image, digest: digestOf(hex) } };
  };
  const deploy = (spec: string, environment?: DeployEnvironment, hex?: string) => hosting().deploy(planOf(spec, environment, hex), io);
  /** What somebody types. */
  const modal = (...args: string[]) =>
    promisify(execFile)(warm(), ['-m', 'modal', ...args, '--env', 'staging'], { env: envOf() as NodeJS.ProcessEnv, cwd: '/' });
  const pin = async (spec: string, name = 'one'): Promise<void> => {
    const path = join(root, `processors/acme-${name}/registry.yaml`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, spec);
  };
  const look = async (options: object = {}, env: Readonly<Record<string, string | undefined>> = {}) => {
    const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', env: envOf(env) });
    const { document, exitCode, lines } = await run(drift, { lane: 'staging', ...options }, context);
    return { ...((document as DriftReport).entries[0] as DriftEntry), exitCode, lines };
  };
  const report = async (options: object = {}, env: Readonly<Record<string, string | undefined>> = {}) => {
    const { document, exitCode, lines } = await run(driftReport, { lane: 'staging', ...options }, contextOf(root, { env: envOf(env) }));
    const { entries, ...more } = document as DriftReport;
    return { ...more, entries, exitCode, lines, verdicts: Object.fromEntries(entries.map(({ app, verdict }) => [app, verdict])) };
  };
  const woken = () => [...standIn.account.apps.values()].flatMap(({ fronts }) => [...fronts.values()]).reduce((sum, front) => sum + front.woken(), 0);

  beforeEach(async () => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
    root = temporaryFolder('modal-drift');
    await writeFile(join(root, 'nx.json'), '{ "plugins": ["@pinlane/nx"] }');
  });
  afterEach(() => standIn.stop());

  it('is none after a deployment and a rollover; a rollback, a deployment by hand and a stop by what people type are found', async () => {
    let now = Date.parse('2026-11-20T12:00:00.000Z') / 1000;
    // An hour behind this machine, and more: no verdict may hang on that.
    await start({ now: () => now++ });
    await pin(specOf('a'));
    await deploy(specOf('a'));
    expect(await look()).toMatchObject({ exitCode: 0, verdict: 'in-sync', observed: { version: { value: 1 } } });
    await modal('app', 'rollover', APP);
    expect(await look()).toMatchObject({ exitCode: 0, verdict: 'in-sync', observed: { version: { value: 2 } } });

    await pin(specOf('b', 'deploy: { max_containers: 7 }\n'));
    await deploy(specOf('b', 'deploy: { max_containers: 7 }\n'));
    expect((await look()).exitCode).toBe(0);
    await modal('app', 'rollback', APP);
    const back = await look();
    expect(back).toMatchObject({ exitCode: 2, verdict: 'drifted', by: 'stand-in-user', since: expect.stringMatching(/^2026-11-20T12:/) });
    expect(back.differences).toEqual([
      { what: 'image', name: null, expected: digestOf('b'), found: digestOf('a') },
      { what: 'setting', name: 'maxContainers', expected: '7', found: expect.any(String) },
    ]);

    standIn.deployByHand('staging', APP, `ghcr.io/acme/one@${digestOf('b')}`, 'mallory');
    const byHand = await look();
    expect(byHand).toMatchObject({ exitCode: 2, verdict: 'drifted', by: 'mallory' });
    expect(byHand.differences[0]).toEqual({ what: 'image', name: null, expected: digestOf('b'), found: null });

    await modal('app', 'stop', APP, '--yes');
    expect(await look()).toMatchObject({ exitCode: 2, verdict: 'stopped', by: 'stand-in-user', since: expect.stringMatching(/^2026-11-20T12:/) });
    expect(woken()).toBe(0);
  });

  it('finds the image of the other platform, and an app that runs in the wrong environment', async () => {
    await start();
    await pin(specOf('a'));
    await deploy(specOf('a'), 'main');
    expect(await look()).toMatchObject({ exitCode: 2, verdict: 'missing', message: expect.stringContaining('runs in main instead') });
    await deploy(specOf('a'), 'staging', 'e');
    expect(await look()).toMatchObject({ exitCode: 2, verdict: 'drifted', message: expect.stringContaining('pinned for linux/arm64') });
  });

  it('finds a changed key of a secret, and changed resources and scaling, be it in registry.yaml or by hand', async () => {
    await start();
    const secrets = 'secrets: { required: [A_KEY], optional: [B_KEY] }\n';
    await pin(specOf('a', secrets));
    const name = `${APP}-secrets`;
    await hosting().secrets.put('staging', name, new Map([['A_KEY', 'canary-value']]), io);
    await deploy(specOf('a', secrets));
    expect(await look()).toMatchObject({ exitCode: 0, verdict: 'in-sync', observed: { secrets: { value: [{ name, keys: ['A_KEY'] }] } } });

    const [secret] = [...standIn.account.secrets.values()].filter((each) => each.name === name);
    secret!.values.clear();
    secret!.values.set('A_KEI', 'canary-value');
    const renamed = await look();
    expect(renamed).toMatchObject({ exitCode: 2, verdict: 'drifted' });
    expect(renamed.differences).toEqual([
      { what: 'secret', name, expected: 'the key A_KEY', found: null },
      { what: 'secret', name, expected: null, found: 'the key A_KEI' },
    ]);
    standIn.account.secrets.delete(secret!.id);
    expect((await look()).differences).toEqual([{ what: 'secret', name, expected: 'attached', found: null }]);
    standIn.account.secrets.set(secret!.id, secret!);
    secret!.values.clear();
    secret!.values.set('A_KEY', 'canary-value');

    await pin(specOf('a', `${secrets}runtime: { cpu: 3, memory_gb: 5 }\n`));
    expect((await look()).differences.map(({ name: setting, expected }) => [setting, expected])).toEqual([
      ['cpu', '3'],
      ['memoryGb', '5'],
    ]);
    await pin(specOf('a', secrets));
    const live = [...standIn.account.apps.values()].find((app) => app.name === APP)!.live!;
    for (const definition of live.functions.values())
      Object.assign(definition, { autoscaler_settings: { ...definition.autoscaler_settings, min_containers: 9 } });
    expect(await look()).toMatchObject({ exitCode: 2, differences: [{ what: 'setting', name: 'minContainers', expected: '0', found: '9' }] });
  });

  it('finds a published name that was moved to another image with --deep, and by nothing else', async () => {
    await start();
    await pin(specOf('a'));
    await deploy(specOf('a'));
    const [name] = [...standIn.account.published.keys()];
    standIn.deployByHand('staging', APP, `ghcr.io/acme/one@${digestOf('f')}`, 'mallory');
    const live = [...standIn.account.apps.values()].find((app) => app.name === APP)!.live!;
    const [moved] = [...live.functions.values()].map(({ image_id }) => image_id);
    standIn.account.published.set(name!, moved!);
    expect(await look()).toMatchObject({ exitCode: 0, verdict: 'in-sync', nameLeadsToPin: null });
    expect(await look({ deep: true })).toMatchObject({
      ...{ exitCode: 2, verdict: 'drifted', nameLeadsToPin: { known: true, value: false } },
      differences: [{ what: 'name', name: null, expected: digestOf('a'), found: null }],
    });
  });

  it('asks the app itself with --live alone, with credentials for the proxy, and wakes it', async () => {
    await start();
    await pin(specOf('a'));
    await deploy(specOf('a'));
    expect(await look()).toMatchObject({ exitCode: 0, serving: null });
    expect(woken()).toBe(0);
    expect(await look({ live: true }, proxy())).toMatchObject({ exitCode: 0, serving: { known: true, value: digestOf('a') } });
    expect(woken()).toBeGreaterThan(0);
    expect(await look({ live: true, liveTimeout: 1 })).toMatchObject({ exitCode: 1, verdict: 'unverifiable', message: expect.stringContaining('401') });
    standIn.keepServing(APP, 100);
    await pin(specOf('b'));
    await deploy(specOf('b'));
    expect(await look({ live: true }, proxy())).toMatchObject({
      exitCode: 2,
      differences: [{ what: 'serving', expected: digestOf('b'), found: digestOf('a') }],
    });
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, () => void, RegExp]>([
    ['nobody listens', { MODAL_SERVER_URL: 'http://127.0.0.1:1' }, () => undefined, /did not answer/],
    [
      'nothing is answered',
      {},
      () => standIn.faults.push(...['AuthTokenGet', 'EnvironmentGetOrCreate', 'AppList'].map((method) => ({ method, fault: { kind: 'hang' } as const }))),
      /did not answer/,
    ],
    ['the list is not answered', {}, () => standIn.faults.push({ method: 'AppList', fault: { kind: 'hang' } }), /did not answer/],
    ['the token is wrong', { MODAL_TOKEN_SECRET: 'as-canary' }, () => undefined, /Token ID is malformed/],
    ['there is no token', { MODAL_TOKEN_ID: undefined, MODAL_TOKEN_SECRET: undefined }, () => undefined, /credentials/],
    ['there is no such environment', {}, () => standIn.account.environments.delete('staging'), /no environment staging/],
    [
      'published names are refused',
      {},
      () => standIn.faults.push({ method: 'ImageListTags', fault: { kind: 'refuse', code: 'PERMISSION_DENIED' } }),
      /image: Modal/,
    ],
    ['a Server is refused', {}, () => standIn.faults.push({ method: 'FunctionGetById', fault: { kind: 'refuse', code: 'PERMISSION_DENIED' } }), /image: Modal/],
  ])('can not be told where %s, which is said in time', async (_, env, spoil, reason) => {
    await start();
    await pin(specOf('a'));
    if (/image/.test(reason.source)) await deploy(specOf('a'));
    spoil();
    const began = performance.now();
    const found = await report({}, env);
    // Modal's own clients wait for a minute and more. The promise is 10 s; a busy machine may take as long again.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(found).toMatchObject({ exitCode: 1, verdict: 'unknown', verdicts: { [APP]: 'unverifiable' } });
    expect(found.entries.find(({ app }) => app === APP)!.message).toMatch(reason);
    expect(JSON.stringify(found)).not.toContain('as-canary');
  });

  it('survives each of its calls failing once, and takes none that is refused for ever for good', async () => {
    await start();
    await pin(specOf('a'));
    await pin(specOf('a', '', 'two'), 'two');
    await deploy(specOf('a'));
    await deploy(specOf('a', '', 'two'));
    standIn.stopByHand('staging', 'acme-two-v1', 'eve');
    const verdicts = { [APP]: 'in-sync', 'acme-two-v1': 'stopped' };
    const running = ['FunctionGetById', 'FunctionGetSchedulingParams', 'SecretList', 'ImageListTags'];
    const stopped = ['AppGetByDeploymentName', 'AppGetLifecycle'];
    const all = ['EnvironmentGetOrCreate', 'AppList', ...running, ...stopped];
    standIn.faults.push(...all.map((method) => ({ method, times: 1, fault: { kind: 'refuse' as const } })));
    expect((await report()).verdicts).toEqual(verdicts);
    expect(standIn.faults.filter(({ times }) => times !== 0)).toEqual([]);
    for (const method of [...running, ...stopped]) {
      standIn.faults.splice(0, Infinity, { method, fault: { kind: 'refuse', code: 'PERMISSION_DENIED', details: 'not for you' } });
      const found = await report();
      const spoiled = running.includes(method) ? APP : 'acme-two-v1';
      expect([method, found.verdicts]).toEqual([method, expect.objectContaining({ ...verdicts, [spoiled]: 'unverifiable' })]);
      expect(found.entries.find(({ app }) => app === spoiled)!.message).toContain('not for you');
    }
  });

  it('is told of a workspace with what no registry.yaml claims, of strangers nothing, and no secret is in any file', async () => {
    await start();
    await pin(specOf('a'));
    await pin(specOf('a', '', 'two'), 'two');
    await deploy(specOf('a'));
    await deploy(specOf('a', '', 'gone'));
    standIn.multiply('staging', APP, 3, (at) => ['shop-v2', 'acme-gone-v2', 'strangers-app'][at]!);
    const before = standIn.calls.length;
    const found = await report();
    expect(found).toMatchObject({ exitCode: 2, verdict: 'drift', adapter: 'modal', environment: 'staging' });
    expect(found.verdicts).toEqual({ [APP]: 'in-sync', 'acme-two-v1': 'missing', 'acme-gone-v1': 'orphan', 'acme-gone-v2': 'orphan' });
    expect(found.entries.find(({ app }) => app === 'acme-gone-v1')).toMatchObject({
      ref: null,
      by: 'stand-in-user',
      message: expect.stringContaining('deployed today'),
    });
    expect(standIn.calls.slice(before).filter(({ method }) => /Publish|Create$|Stop|Update/.test(method) && method !== 'EnvironmentGetOrCreate')).toEqual([]);
    expect(woken()).toBe(0);
    for (const each of readdirSync(root, { recursive: true, withFileTypes: true }))
      if (each.isFile()) expect(readFileSync(join(each.parentPath, each.name), 'latin1')).not.toContain(standIn.token.secret);
  });

  it.each<[string, readonly Parameters<typeof standIn.faults.push>[0][]]>([
    ['does not answer', ['AuthTokenGet', 'EnvironmentGetOrCreate', 'AppList'].map((method) => ({ method, fault: { kind: 'hang' } }))],
    ['is not there for anybody', [{ method: 'AppList', fault: { kind: 'refuse', code: 'UNAVAILABLE' } }]],
  ])('while Modal %s there is no verdict of a smoke test on the processor either', async (_, faults) => {
    await start();
    await pin(specOf('a'));
    standIn.faults.push(...faults);
    const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', env: envOf({ ...proxy(), PINLANE_ADAPTER: 'modal' }) });
    expect(await errorOf(() => run(smoke, { lane: 'staging' }, context))).toMatchObject({
      code: 'ERR_DEPLOY_UNREACHABLE',
      message: expect.stringMatching(/has no address: .*Modal/),
    });
  });

  it('tells nothing good of a workspace without processors while nobody answers', async () => {
    await start();
    standIn.faults.push({ method: 'AppList', fault: { kind: 'hang' } });
    expect(await report()).toMatchObject({ exitCode: 1, verdict: 'unknown' });
  });
});
