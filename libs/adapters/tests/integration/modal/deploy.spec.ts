import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  deployToModal,
  describeServers,
  listApps,
  nameIsTrue,
  observeModalApp,
  publishedDigests,
  publishedImage,
  rollOver,
  stopModalApp,
  whyModalWouldNot,
  type ModalDeployment,
  type PythonClient,
} from '@pinlane/adapters';
import { errorOf, lackOf, modalPython, requirement, temporaryFolder } from '@pinlane/testing';
import { startModalStandIn, type ModalStandIn, type StandInOptions } from '@pinlane/testing/modal';
import { clientOf, deploymentOf, digestOf, startEcho, watchedPython } from '../../support/modal.ts';

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a deployment to Modal, by its real clients', () => {
  let standIn: ModalStandIn;

  const start = async (options: Partial<StandInOptions> = {}) => (standIn = await startModalStandIn({ python: modalPython(), start: startEcho, ...options }));
  const deploy = (client: PythonClient, deployment: ModalDeployment) => deployToModal(client, deployment, () => {});
  const ask = async (url: string) => {
    const { key, secret } = standIn.proxyToken;
    return (await (await fetch(url, { headers: { 'Modal-Key': key, 'Modal-Secret': secret } })).json()) as Record<string, any>;
  };

  beforeAll(() => {
    // Read once, when the SDK is loaded.
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('runs the pinned manifest with its digest, as the settings say, and is read back', async () => {
    await start();
    const { app, server } = await deploy(clientOf(standIn), deploymentOf('a1'));
    expect(app).toMatchObject({ name: 'acme-echo-v1', state: 'deployed', version: 1, deployedBy: 'stand-in-user' });
    expect(server).toMatchObject({ port: 8000, proxyAuth: true, cpu: 0.5, memoryMib: 512, concurrency: 4, scaling: { min: 0, max: 4, idleSeconds: 300 } });
    expect(await ask(server.url)).toEqual({ reference: `ghcr.io/acme/echo@${digestOf('a1')}`, environment: { IMAGE_DIGEST: digestOf('a1') }, command: [] });
    expect(await publishedImage(clientOf(standIn), 'acme-echo', digestOf('a1'))).toBe(server.imageId);
  });

  it('names an environment in every call, and tells the client nothing but the account and where things are', async () => {
    await start();
    const python = watchedPython(temporaryFolder());
    await deploy(clientOf(standIn, python.program), deploymentOf('a1'));
    expect(standIn.calls.filter(({ environment, method }) => environment === '' && method !== 'ImageGetByTag')).toEqual([]);
    expect(python.seen()).toContain(`--image=acme-echo:${'a1'.repeat(32)}`);
    expect(python.seen()).toContain('--env staging');
    expect(python.environment()).toContain('MODAL_ENVIRONMENT');
    expect(python.environment()).not.toMatch(/OPENAI|MODAL_FORCE_BUILD/);
    expect(python.seen()).not.toContain(standIn.token.secret);
  });

  it('deploys another digest, tells a rollover, and tells a stopped app from one that never was', async () => {
    await start();
    const client = clientOf(standIn);
    const first = await deploy(client, deploymentOf('a1'));
    const second = await deploy(client, deploymentOf('b2'));
    expect(second.server).toMatchObject({ id: first.server.id, url: first.server.url });
    expect(second.server.imageId).not.toBe(first.server.imageId);
    await rollOver(client, 'acme-echo-v1');
    expect(await observeModalApp(client, 'acme-echo-v1')).toMatchObject({ state: 'live', app: { version: 3 }, server: { imageId: second.server.imageId } });
    await stopModalApp(client, 'acme-echo-v1');
    await stopModalApp(client, 'acme-echo-v1');
    expect(await observeModalApp(client, 'acme-echo-v1')).toMatchObject({ state: 'stopped', stopped: { version: 3, stoppedBy: 'stand-in-user' } });
    expect(await observeModalApp(client, 'acme-else-v1')).toEqual({ state: 'absent' });
  });

  it('finds the image, the version and the deployer of what somebody deployed by hand, and not what is only staged', async () => {
    await start();
    const client = clientOf(standIn);
    const { server } = await deploy(client, deploymentOf('a1'));
    standIn.stage('staging', 'acme-echo-v1', `ghcr.io/acme/echo@${digestOf('b2')}`);
    expect(await observeModalApp(client, 'acme-echo-v1')).toMatchObject({ app: { version: 1 }, server: { imageId: server.imageId } });
    standIn.deployByHand('staging', 'acme-echo-v1', `ghcr.io/acme/echo@${digestOf('b2')}`, 'mallory');
    const observed = await observeModalApp(client, 'acme-echo-v1');
    expect(observed).toMatchObject({ state: 'live', app: { version: 3, deployedBy: 'mallory' } });
    const digests = await publishedDigests(client);
    expect(digests.get(server.imageId)).toBe(digestOf('a1'));
    expect(observed.state === 'live' && digests.get(observed.server!.imageId)).toBeUndefined();
  });

  it('finds out that a published name was moved to another image', async () => {
    await start();
    const client = clientOf(standIn);
    await deploy(client, deploymentOf('a1'));
    const other = await deploy(client, deploymentOf('b2'));
    expect(await nameIsTrue(client, deploymentOf('a1'))).toBe(true);
    standIn.account.published.set(`staging/acme-echo:${'a1'.repeat(32)}`, other.server.imageId);
    expect(await nameIsTrue(client, deploymentOf('a1'))).toBe(false);
  });

  it('leaves what runs as it is if the image does not build, and says why', async () => {
    await start({ pull: (reference) => (reference.endsWith(digestOf('b2')) ? 'unauthorized: authentication required' : null) });
    const client = clientOf(standIn);
    const { server } = await deploy(client, deploymentOf('a1'));
    const error = await errorOf(() => deploy(client, deploymentOf('b2')));
    expect(error).toMatchObject({ code: 'ERR_HOSTING_IMAGE' });
    expect(error.message).toContain('unauthorized: authentication required');
    expect(await observeModalApp(client, 'acme-echo-v1')).toMatchObject({ app: { version: 1 }, server: { imageId: server.imageId } });
  });

  it('hands the credentials of a private registry on by the name of their secret', async () => {
    const seen: unknown[] = [];
    await start({ pull: (_, credentials) => (seen.push(credentials && Object.fromEntries(credentials)), null) });
    standIn.account.secrets.set('st-pull', {
      id: 'st-pull',
      name: 'ghcr',
      environment: 'staging',
      createdAt: 1,
      values: new Map([
        ['REGISTRY_USERNAME', 'bot'],
        ['REGISTRY_PASSWORD', 'pw'],
      ]),
    });
    await deploy(clientOf(standIn), deploymentOf('a1', { registrySecret: 'ghcr' }));
    expect(seen).toEqual([{ REGISTRY_USERNAME: 'bot', REGISTRY_PASSWORD: 'pw' }]);
  });

  it('fails if the control plane tells another image than was built', async () => {
    await start();
    const client = clientOf(standIn);
    const { server } = await deploy(client, deploymentOf('a1'));
    standIn.account.reported.set(server.imageId, 'im-0000000000000000000000');
    const error = await errorOf(() => deploy(client, deploymentOf('a1')));
    expect(error).toMatchObject({ code: 'ERR_HOSTING_MISMATCH', exitCode: 2 });
    expect(error.message).toContain('im-0000000000000000000000');
  });

  it('fails in the same way if somebody deploys by hand before it is read back', async () => {
    await start();
    const client = clientOf(standIn);
    const byHand = () => standIn.deployByHand('staging', 'acme-echo-v1', `ghcr.io/acme/echo@${digestOf('c3')}`);
    standIn.faults.push({ method: 'FunctionGet', times: 1, fault: { kind: 'before', happen: byHand } });
    expect(await errorOf(() => deploy(client, deploymentOf('a1')))).toMatchObject({ code: 'ERR_HOSTING_MISMATCH' });
  });

  it('tells all that is in the way at once, before it changes anything', async () => {
    await start();
    const { settings } = deploymentOf('a1');
    const secrets = new Map([['acme-echo', ['API_KEY', 'OTHER']]]);
    const problems = await whyModalWouldNot(clientOf(standIn, '/nowhere/python'), {
      app: 'x'.repeat(65),
      settings: { ...settings, scaling: { ...settings.scaling, idleSeconds: 4000 } },
      secrets,
      registrySecret: 'ghcr',
    });
    expect(problems.map(({ code }) => code)).toEqual([
      'ERR_OPTION_INVALID',
      'ERR_OPTION_INVALID',
      'ERR_TOOL_MISSING',
      'ERR_HOSTING_SECRET',
      'ERR_HOSTING_SECRET',
    ]);
    expect(problems[2]!.fix).toContain('pip install modal==1.6.4');
    expect(standIn.calls.filter(({ method }) => /Create$|Publish/.test(method) && !/GetOrCreate/.test(method))).toEqual([]);
  });

  it.each([
    ['a wrong token', (client: PythonClient) => ({ ...client, env: { ...client.env, MODAL_TOKEN_SECRET: 'as-canary-token' } }), 'ERR_HOSTING_AUTH'],
    [
      'no token',
      (client: PythonClient) => ({ ...client, env: { ...client.env, MODAL_TOKEN_ID: undefined, MODAL_TOKEN_SECRET: undefined } }),
      'ERR_HOSTING_AUTH',
    ],
    ['an environment that is not there', (client: PythonClient) => ({ ...client, environment: 'nowhere' }), 'ERR_HOSTING_ENVIRONMENT'],
    [
      'nobody who answers',
      (client: PythonClient) => ({ ...client, env: { ...client.env, MODAL_SERVER_URL: 'http://127.0.0.1:1' } }),
      'ERR_HOSTING_UNAVAILABLE',
    ],
  ])('names %s in time, without a value of it', async (_, change, code) => {
    await start();
    const [problem, ...more] = await whyModalWouldNot(change(clientOf(standIn)), deploymentOf('a1'));
    expect([problem?.code, more]).toEqual([code, []]);
    expect(JSON.stringify(problem)).not.toContain('as-canary-token');
  });

  it.each([
    ['has another version of the client', 'case "$*" in *importlib.metadata*) echo 1.6.3; exit;; esac', 'modal 1.6.3'],
    ['has no client', 'case "$*" in *importlib.metadata*) exit 1;; esac', 'has no package modal'],
  ])('deploys nothing if the Python %s', async (_, script, text) => {
    await start();
    const { program } = watchedPython(temporaryFolder(), script);
    const error = await errorOf(() => deploy(clientOf(standIn, program), deploymentOf('a1')));
    expect(error).toMatchObject({ code: 'ERR_TOOL_MISSING' });
    expect(error.message).toContain(text);
    expect(standIn.calls).toEqual([]);
  });

  // By the order in which a deployment makes them.
  it.each(['AppGetOrCreate', 'ImageGetOrCreate', 'ImageJoinStreaming', 'ImagePublish', 'AppCreate', 'FunctionCreate', 'AppPublish', 'FunctionGet'])(
    'fails if %s is refused for ever, and converges when it no longer is',
    async (method) => {
      await start();
      const client = clientOf(standIn);
      standIn.faults.push({ method, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION', details: 'not today' } });
      const error = await errorOf(() => deploy(client, deploymentOf('a1')));
      expect(error.message).toContain('not today');
      expect(error.code).toMatch(/^ERR_HOSTING_/);
      standIn.faults.length = 0;
      expect((await deploy(client, deploymentOf('a1'))).app.version).toBe(1);
    },
  );

  it('survives each call of a deployment failing once', async () => {
    await start();
    const methods = [
      'AuthTokenGet',
      'AppGetOrCreate',
      'ImageGetOrCreate',
      'ImagePublish',
      'AppGetByDeploymentName',
      'AppCreate',
      'FunctionPrecreate',
      'FunctionCreate',
      'AppPublish',
      'FunctionGet',
      'AppList',
    ];
    standIn.faults.push(...methods.map((method) => ({ method, times: 1, fault: { kind: 'refuse' as const } })));
    expect((await deploy(clientOf(standIn), deploymentOf('a1'))).app.version).toBe(1);
    expect(standIn.faults.filter(({ times }) => times !== 0)).toEqual([]);
  });

  it('tells that Modal does not answer, whatever the patience of its clients', async () => {
    await start();
    const client = clientOf(standIn);
    await deploy(client, deploymentOf('a1'));
    standIn.faults.push({ method: 'AppList', times: 1, fault: { kind: 'hang' } }, { method: 'FunctionGet', times: 1, fault: { kind: 'hang' } });
    expect(await errorOf(() => listApps(client))).toMatchObject({ code: 'ERR_HOSTING_UNAVAILABLE' });
    expect(await errorOf(() => observeModalApp(client, 'acme-echo-v1'))).toMatchObject({ code: 'ERR_HOSTING_UNAVAILABLE' });
  });

  it('stops waiting for a deploy when Modal goes away in the middle', async () => {
    await start();
    const client = clientOf(standIn);
    const away = () => void standIn.faults.push({ method: 'EnvironmentGetOrCreate', fault: { kind: 'hang' } });
    const publish = { kind: 'before' as const, happen: () => (away(), new Promise<void>(() => {})) };
    standIn.faults.push({ method: 'AppPublish', times: 1, fault: publish });
    expect(await errorOf(() => deploy(client, deploymentOf('a1')))).toMatchObject({ code: 'ERR_HOSTING_UNAVAILABLE' });
  });

  it('ends at once when it is interrupted', async () => {
    await start();
    const controller = new AbortController();
    standIn.faults.push({ method: 'AppPublish', times: 1, fault: { kind: 'before', happen: () => (controller.abort(), new Promise<void>(() => {})) } });
    const client = clientOf(standIn, modalPython(), { signal: controller.signal });
    expect(await errorOf(() => deploy(client, deploymentOf('a1')))).toMatchObject({ code: 'ERR_CANCELLED' });
  });

  it('reads many Servers in one process, 32 at once at most, and tells of each that it can not read why', async () => {
    await start();
    const client = clientOf(standIn);
    const { server } = await deploy(client, deploymentOf('a1'));
    const [app] = [...standIn.account.apps.values()].filter(({ name }) => name === 'acme-echo-v1');
    const definition = app!.live!.functions.get(server.id)!;
    const ids = Array.from({ length: 99 }, (_, at) => `fu-${String(at).padStart(22, '0')}`);
    Object.assign(app!.live!, { functions: new Map([[server.id, definition], ...ids.map((id) => [id, definition] as const)]) });
    const before = standIn.calls.length;
    const told = await describeServers(client, [server.id, ...ids, 'fu-gone000000000000000000']);
    expect([...told.values()].filter(({ known }) => known)).toHaveLength(100);
    expect(told.get('fu-gone000000000000000000')).toMatchObject({ known: false, reason: expect.stringContaining('not found') });
    expect(standIn.calls.slice(before).filter(({ method }) => method === 'FunctionGetById').length).toBeGreaterThanOrEqual(101);
    expect([...app!.fronts.values()].map(({ woken }) => woken())).toEqual([0]);
  });
});
