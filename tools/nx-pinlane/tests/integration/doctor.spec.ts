import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { bubblewrapRuntime } from '@pinlane/adapters';
import { doctorReportSchema, type DoctorCheck, type DoctorReport } from '@pinlane/contracts';
import { lackOf, requirement, startRegistry, temporaryFolder, type RegistryOptions, type TestRegistry } from '@pinlane/testing';
import { verb } from '../../src/verbs/doctor/verb.ts';
import { pinlaneFromSource } from './support/from-source.ts';
import { makeDockerRegistry } from './support/docker-registry.ts';
import { contextOf, run, withFiles } from './support/verb-context.ts';
import { withWorkspace } from './support/workspace.ts';

// Each look may take its ten seconds.
jest.setTimeout(180_000);

const plugin = resolve(import.meta.dirname, '../..');
const CANARY = 'canary-Zq7';

/** No account and no registry of whoever runs this, and nobody to ask. */
const alone = (root: string): Record<string, string> => ({
  ...{ PATH: process.env['PATH'] ?? '', HOME: root, DOCKER_CONFIG: join(root, '.docker'), MODAL_CONFIG_PATH: join(root, '.modal.toml') },
  ...{ MODAL_SERVER_URL: 'http://127.0.0.1:1', PINLANE_MODAL_PYTHON: '/nowhere/python' },
});

const specOf = (host: string, name = 'echo', more = ''): string => `ref: acme/${name}@1\nimage: { repository: "${host}/acme/${name}" }\n${more}`;

/** As Docker's client is set up while `work` runs: the registry's client reads the process's own environment. */
const withDocker = async <T>(folder: string, work: () => Promise<T>): Promise<T> => {
  const before = process.env['DOCKER_CONFIG'];
  process.env['DOCKER_CONFIG'] = folder;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = before;
  }
};

const examine = async (root: string, options: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}) => {
  const outcome = await withDocker(join(root, '.docker'), () => run(verb, options, contextOf(root, { env: { ...alone(root), ...env } })));
  const report = outcome.document as DoctorReport;
  const named = (name: string): DoctorCheck => report.checks.find((check) => check.name === name) ?? (undefined as never);
  return { ...outcome, report, named, text: outcome.lines.join('\n') };
};

describe('doctor, in a workspace', () => {
  it('makes a line of each file that can not be read, with its place, and goes on with the others', () =>
    withFiles(
      {
        'nx.json': '{ "plugins": "@pinlane/nx" }',
        'processors/one/registry.yaml': 'ref: acme/one@1\nbuild: [\n',
        'processors/two/registry.yaml': 'ref: acme/two@1\nnonsense: 1\n',
        'processors/three/registry.yaml': specOf('127.0.0.1:1', 'three'),
        'processors/three/Dockerfile': 'FROM scratch\nRUN true\n',
      },
      async (root) => {
        const { report, named, exitCode, text } = await examine(root);
        expect(exitCode).toBe(2);
        expect(named('processors/one/registry.yaml')).toMatchObject({
          state: 'missing',
          needed: true,
          file: 'processors/one/registry.yaml',
          line: expect.any(Number),
        });
        expect(named('processors/two/registry.yaml')).toMatchObject({ state: 'missing', line: 2, column: 1, message: expect.stringMatching(/^ERR_REGISTRY_/) });
        expect(named('nx.json')).toMatchObject({ state: 'missing', message: 'ERR_OPTION_INVALID: plugins is not a list' });
        expect(named('push to 127.0.0.1:1/acme/three')).toMatchObject({ state: 'unknown', needed: false });
        expect(named('Docker Buildx')).toMatchObject({ needed: true, purpose: 'only Docker builds processors/three/Dockerfile' });
        expect(text).toContain('processors/two/registry.yaml:2:1');
        for (const each of report.checks) expect((each.fix === null) === (each.state === 'ok')).toBe(true);
        expect(existsSync(join(root, '.pinlane'))).toBe(false);
      },
    ));

  it('changes nothing where there is no workspace, no processor, no git and nothing installed', () =>
    withFiles({ 'a.txt': 'a' }, async (root) => {
      const { named, exitCode } = await examine(root);
      expect(exitCode).toBe(2);
      expect(named('plugin')).toMatchObject({ state: 'missing', message: expect.stringContaining('no nx.json') });
      expect(named('Nx')).toMatchObject({ state: 'missing', needed: true });
      expect(named('git')).toMatchObject({ state: 'missing', needed: false, message: expect.stringContaining('not a git repository') });
      expect(named('processors')).toMatchObject({ state: 'missing', needed: false });
      expect(readdirSync(root)).toEqual(['a.txt']);
    }));

  it.each([
    ['.pinlane is a file', (root: string) => writeFileSync(join(root, '.pinlane'), ''), 'is a file'],
    ['.pinlane leads nowhere that could be made', (root: string) => symlinkSync('/dev/null/x', join(root, '.pinlane')), 'ENOTDIR'],
  ])('tells that the store can not be written: %s', (_, spoil, said) =>
    withFiles({ 'nx.json': '{}' }, async (root) => {
      spoil(root);
      expect((await examine(root)).named('store')).toMatchObject({ state: 'missing', needed: true, message: expect.stringContaining(said) });
    }),
  );
});

describe('doctor, about a registry', () => {
  const examined = async (options: RegistryOptions, lane: string, login?: string) => {
    const registry = await startRegistry(options);
    try {
      let found: Awaited<ReturnType<typeof examine>> | undefined;
      const auths = login === undefined ? {} : { [registry.host]: { auth: Buffer.from(login).toString('base64') } };
      await withFiles(
        { 'nx.json': '{}', 'processors/echo/registry.yaml': specOf(registry.host), '.docker/config.json': JSON.stringify({ auths }) },
        async (root) => {
          found = await examine(root, { lane });
        },
      );
      return { ...found!, push: found!.named(`push to ${registry.host}/acme/echo`), registry };
    } finally {
      await registry.close();
    }
  };
  const answer = (status: number, body = ''): RegistryOptions => ({
    faults: [{ when: ({ method }) => method === 'POST', fault: { kind: 'answer', status, body } }],
  });

  it.each([
    ['takes uploads', {}, undefined, 'ok', 'it takes uploads'],
    ['knows the login', { auth: { scheme: 'bearer', username: 'alice', password: CANARY } }, `alice:${CANARY}`, 'ok', 'it takes uploads'],
    ['knows no login', { auth: { scheme: 'basic', username: 'alice', password: 'x' } }, undefined, 'missing', 'ERR_REGISTRY_AUTH'],
    ['refuses the login', { auth: { scheme: 'basic', username: 'alice', password: 'x' } }, `alice:${CANARY}`, 'missing', 'ERR_REGISTRY_AUTH'],
    ['answers 401', answer(401), undefined, 'missing', 'ERR_REGISTRY_AUTH'],
    ['answers 403', answer(403, `{"errors":[{"code":"DENIED","message":"${CANARY} may not"}]}`), `alice:${CANARY}`, 'missing', 'ERR_REGISTRY_DENIED'],
    ['answers 500', answer(500), undefined, 'unknown', 'ERR_REGISTRY_UNAVAILABLE'],
    ['hangs', { faults: [{ when: () => true, fault: { kind: 'hang' } }] }, undefined, 'unknown', /ERR_REGISTRY_UNAVAILABLE|no answer within 10 s/],
  ] as const)('that %s', async (_, options, login, state, said) => {
    const { push, registry, document } = await examined(options as RegistryOptions, 'staging', login);
    expect(push).toMatchObject({ state, needed: true, message: expect.stringMatching(said) });
    if (state === 'missing') expect(push.fix).toContain('docker login');
    expect(JSON.stringify(document)).not.toContain(CANARY);
    expect([registry.blobs.size, registry.manifests.size]).toEqual([0, 0]);
  });

  it('needs it only in the lane that pushes', async () => {
    const { push, registry } = await examined(answer(403), 'local');
    expect(push).toMatchObject({ state: 'missing', needed: false });
    expect(registry.requests.map(({ method }) => method)).toEqual(['POST']);
  });
});

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('doctor, about a real registry', () => {
  it('finds that it may push there, and leaves no repository behind', async () => {
    const registry = await makeDockerRegistry();
    try {
      await withFiles({ 'nx.json': '{}', 'processors/echo/registry.yaml': specOf(registry.host) }, async (root) => {
        expect((await examine(root)).named(`push to ${registry.host}/acme/echo`)).toMatchObject({ state: 'ok' });
      });
      const catalog = (await (await fetch(`http://${registry.host}/v2/_catalog`)).json()) as { repositories: string[] };
      const tags = await fetch(`http://${registry.host}/v2/acme/echo/tags/list`);
      expect([catalog.repositories.filter((name) => name !== 'acme/echo'), tags.status]).toEqual([[], 404]);
    } finally {
      await registry.close();
    }
  });
});

describe('doctor, and secrets', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    // It repeats what it was sent.
    const faults: RegistryOptions['faults'] = [
      { when: ({ headers }) => headers.authorization !== undefined, fault: { kind: 'answer', status: 403, body: `you sent ${CANARY}-password` } },
    ];
    registry = await startRegistry({ auth: { scheme: 'basic', username: 'alice', password: 'other' }, faults });
  });
  afterAll(() => registry.close());

  const everywhere = (): Record<string, string> => ({
    ...Object.fromEntries(
      ['MODAL_TOKEN_ID', 'MODAL_TOKEN_SECRET', 'MODAL_OAUTH_REFRESH_TOKEN', 'MODAL_OAUTH_CLIENT_SECRET', 'MODAL_OAUTH_JWT_KEY', 'MODAL_PROXY_SECRET'].map(
        (name) => [name, `${CANARY}-${name}`],
      ),
    ),
    ...Object.fromEntries(
      ['GITHUB_TOKEN', 'NPM_TOKEN', 'NODE_AUTH_TOKEN', 'API_KEY', 'API_KEY_STAGING', 'API_KEY_PROD'].map((name) => [name, `${CANARY}-${name}`]),
    ),
    ...Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'https_proxy'].map((name) => [name, `http://alice:${CANARY}-proxy@127.0.0.1:1`])),
    ...Object.fromEntries(
      ['PINLANE_ENGINE', 'PINLANE_RUNTIME', 'PINLANE_ADAPTER', 'PINLANE_LANE', 'PINLANE_INSECURE_REGISTRY'].map((name) => [name, `${CANARY} ${name}`]),
    ),
    ...{ PINLANE_REGISTRY: `https://alice:${CANARY}-registry@ghcr.io/acme`, BUILDX_BUILDER: CANARY, NO_PROXY: '127.0.0.1' },
  });

  it.each([
    ['that are in order', `[default]\ntoken_id = "ak-${CANARY}"\ntoken_secret = "as-${CANARY}"\nactive = true\n`, '{ "auths": %s }'],
    ['that are broken', `[default\ntoken_id = ak-${CANARY}\ntoken_secret = "as-${CANARY}\nactive = = true\n`, '{ "auths": %s, %s'],
  ])('has a canary nowhere in the report and in what it prints, with files of logins %s', async (_, toml, docker) => {
    const auths = JSON.stringify({
      [registry.host]: { auth: Buffer.from(`alice:${CANARY}-password`).toString('base64') },
      'ghcr.io': { identitytoken: `${CANARY}-identity`, registrytoken: `${CANARY}-token` },
    });
    const files = {
      ...{ 'nx.json': '{}', '.modal.toml': toml, '.docker/config.json': docker.replaceAll('%s', auths) },
      '.npmrc': `//registry.invalid/:_authToken=${CANARY}-npmrc\n`,
      'processors/echo/registry.yaml': specOf(registry.host, 'echo', 'secrets: { required: [API_KEY] }\n'),
    };
    await withFiles(files, async (root) => {
      const all = [
        await examine(root, {}, everywhere()),
        // With the account of the file alone.
        await examine(root, { lane: 'staging' }, { MODAL_SERVER_URL: 'http://127.0.0.1:1' }),
      ];
      for (const { document, text } of all) {
        expect(JSON.stringify(document) + text).not.toContain(CANARY);
        expect(JSON.stringify(document) + text).not.toContain(Buffer.from(`alice:${CANARY}-password`).toString('base64'));
        expect(JSON.stringify(document) + text).not.toContain(root);
      }
      expect(all[0]!.report.proxies).toEqual(['ALL_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy']);
      expect(all[0]!.report.variables).toContain('MODAL_TOKEN_SECRET');
      expect(all[0]!.named(`push to ${registry.host}/acme/echo`).state).not.toBe('ok');
    });
  });
});

const command = (root: string, env: Readonly<Record<string, string>>, ...before: string[]) => {
  const args = [...before, realpathSync(process.execPath), ...pinlaneFromSource('doctor', '--json')];
  const { status, stdout, stderr } = spawnSync(args[0]!, args.slice(1), { cwd: root, encoding: 'utf8', env: { ...alone(root), ...env }, timeout: 120_000 });
  return { status, stderr, report: doctorReportSchema.parse(JSON.parse(stdout)) };
};

describe('the command pinlane doctor', () => {
  it('is called as a target of Nx and by itself, in a workspace with processors', () =>
    withWorkspace(async ({ root, nxWith, pinlaneWith, write }) => {
      const env = alone(root);
      const nx = await nxWith(env, 'run', 'pinlane:doctor', '--registry=127.0.0.1:1/acme');
      expect(nx.output).toMatch(/This machine\n {2}ok +Node/);
      expect(nx.output).toMatch(/unknown +push to 127\.0\.0\.1:1\/acme\/acme-one/);
      await write({ 'processors/acme-one/registry.yaml': 'ref: [\n' });
      const broken = await pinlaneWith(env, 'doctor', '--json', '--registry=127.0.0.1:1/acme');
      expect(broken.exitCode).toBe(2);
      const { checks } = doctorReportSchema.parse(JSON.parse(broken.stdout));
      expect(checks.find(({ name }) => name === 'processors/acme-one/registry.yaml')).toMatchObject({ state: 'missing', line: expect.any(Number) });
      // Nx leaves the broken project out, and the target of the workspace is there all the same.
      expect((await nxWith(env, 'run', 'pinlane:doctor', '--registry=127.0.0.1:1/acme')).output).toContain('processors/acme-one/registry.yaml');
    }));

  it('runs where there is no workspace and nothing on PATH', async () => {
    const [root, empty] = [temporaryFolder('nowhere'), temporaryFolder('empty')];
    const { status, report } = command(root, { PATH: empty, PINLANE_MODAL_PYTHON: '' });
    const stateOf = (name: string) => report.checks.find((check) => check.name === name)?.state;
    expect([status, stateOf('git'), stateOf('Python client'), stateOf('plugin'), stateOf('Node')]).toEqual([2, 'missing', 'missing', 'missing', 'ok']);
    expect(readdirSync(root)).toEqual([]);
  });

  it('tells what a machine lacks that has no programs at all, and ends in time', async () => {
    const bubblewrap = await bubblewrapRuntime.availability();
    if (!bubblewrap.available) return;
    const root = temporaryFolder('bare');
    mkdirSync(join(root, 'libs/base'), { recursive: true });
    const base = resolve(plugin, '../../libs/base-node');
    for (const file of ['base.yaml', 'base.lock.json']) symlinkSync(join(base, file), join(root, 'libs/base', file));
    writeFileSync(join(root, 'nx.json'), '{}');
    mkdirSync(join(root, 'processors/echo'), { recursive: true });
    writeFileSync(join(root, 'processors/echo/registry.yaml'), specOf('127.0.0.1:1'));
    const hidden = ['/usr/bin', '/usr/sbin', '/usr/local'].filter((folder) => existsSync(folder) && !dirname(process.execPath).startsWith(folder));
    const began = performance.now();
    const { status, report } = command(root, {}, '/usr/bin/bwrap', '--dev-bind', '/', '/', ...hidden.flatMap((folder) => ['--tmpfs', folder]), '--');
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(status).toBe(2);
    const lacking = report.checks.filter(({ state }) => state === 'missing').map(({ name }) => name);
    expect(lacking).toEqual(expect.arrayContaining(['git', 'apt', 'bubblewrap', 'unshare', 'Docker', 'Docker Buildx', 'base libs/base', 'Python client']));
    // In lane local, the last resort remains.
    expect(report.checks.find(({ name }) => name === 'a runtime')).toMatchObject({ state: 'ok', message: expect.stringContaining('isolates nothing') });
  });

  it('ends within its time where everything hangs', async () => {
    const registry = await startRegistry({ faults: [{ when: () => true, fault: { kind: 'hang' } }] });
    const folder = temporaryFolder('hangs');
    for (const name of ['git', 'docker', 'python3', 'apt-get', 'npm']) writeFileSync(join(folder, name), '#!/bin/sh\nexec sleep 300\n', { mode: 0o755 });
    const root = temporaryFolder('hanging');
    mkdirSync(join(root, 'processors/echo'), { recursive: true });
    writeFileSync(join(root, 'processors/echo/registry.yaml'), specOf(registry.host));
    try {
      const child = spawn(process.execPath, pinlaneFromSource('doctor', '--json'), {
        cwd: root,
        env: { ...alone(root), PATH: `${folder}:${process.env['PATH']}`, PINLANE_MODAL_PYTHON: join(folder, 'python3') },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const began = performance.now();
      const [text] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
      expect(performance.now() - began).toBeLessThan(40_000);
      const { checks } = doctorReportSchema.parse(JSON.parse(Buffer.concat(text as Buffer[]).toString()));
      const stateOf = (name: string) => checks.find((check) => check.name === name)?.state;
      expect(['git', `push to ${registry.host}/acme/echo`, 'Python client'].map(stateOf)).toEqual(['unknown', 'unknown', 'unknown']);
    } finally {
      await registry.close();
    }
  });
});
