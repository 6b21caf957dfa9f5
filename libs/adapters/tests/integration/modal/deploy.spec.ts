import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { HostingPlatform } from '@pinlane/pipeline';
import { errorOf, lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import { startModalStandIn, type ModalStandIn, type StandInOptions } from '@pinlane/testing/modal';
import { digestOf, hostingOf, ioOf, PLACE, planOf, startEcho, watchedPython } from '../../support/modal.ts';

const known = <T>(value: T) => ({ known: true, value });

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a deployment to Modal, by its real clients', () => {
  let standIn: ModalStandIn;
  const warm = withWarmPython();

  const start = async (options: Partial<StandInOptions> = {}) => {
    standIn = await startModalStandIn({ python: warm(), start: startEcho, ...options });
    return hostingOf(standIn, temporaryFolder());
  };
  const { signal } = ioOf();
  const ask = async ({ url, headers }: { readonly url: string; readonly headers: Readonly<Record<string, string>> }) =>
    (await (await fetch(url, { headers })).json()) as Record<string, any>;
  const imageIn = (told: { readonly image: unknown }) => told.image;

  beforeAll(() => {
    // Read once, when the SDK is loaded.
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('runs the pinned manifest with its digest, as the settings say, and is read back', async () => {
    const modal = await start();
    expect(await modal.preflight(planOf('a1'), ioOf())).toEqual([]);
    await modal.deploy(planOf('a1', { env: { PINLANE_ENV: 'staging' } }), ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({
      adapter: 'modal',
      ...PLACE,
      state: known('running'),
      version: known(1),
      deployedBy: known('stand-in-user'),
      image: known(digestOf('a1')),
      settings: known({
        port: 8000,
        minContainers: 0,
        maxContainers: 4,
        idleSeconds: 300,
        proxyAuth: true,
        cpu: 0.5,
        memoryGb: 0.2998,
        gpu: null,
        concurrency: 4,
      }),
      secrets: known([]),
      secretsCurrent: known(true),
    });
    const address = await modal.address(PLACE, signal);
    expect(await ask(address)).toEqual({
      reference: `ghcr.io/acme/echo@${digestOf('a1')}`,
      environment: { IMAGE_DIGEST: digestOf('a1'), PINLANE_ENV: 'staging' },
      command: [],
    });
    expect((await fetch(address.url)).status).toBe(modal.proxyRefusal);
  });

  it('names an environment in every call, and tells the client nothing but the account and where things are', async () => {
    await start();
    const python = watchedPython(temporaryFolder());
    await hostingOf(standIn, temporaryFolder(), { python: python.program }).deploy(planOf('a1'), ioOf());
    // The name of the image has the environment before a slash.
    expect(standIn.calls.filter(({ environment, method }) => environment === '' && method !== 'ImageGetByTag')).toEqual([]);
    expect(python.seen()).toContain(`--image=acme-echo:${'a1'.repeat(32)}`);
    expect(python.seen()).toContain('--env staging');
    expect(python.environment()).toContain('MODAL_ENVIRONMENT');
    expect(python.environment()).not.toMatch(/OPENAI|MODAL_FORCE_BUILD|MODAL_PROXY/);
    expect(python.seen()).not.toContain(standIn.token.secret);
  });

  it('deploys another digest under the same address, rolls over, and tells a stopped app from one that never was', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    const { url } = await modal.address(PLACE, signal);
    await modal.deploy(planOf('b2'), ioOf());
    expect((await modal.address(PLACE, signal)).url).toBe(url);
    await modal.rollover(PLACE, ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(3), image: known(digestOf('b2')) });
    await modal.stop(PLACE, ioOf());
    await modal.stop(PLACE, ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({ state: known('stopped'), version: known(3), image: known(null) });
    expect(await modal.describe({ ...PLACE, app: 'acme-else-v1' }, signal)).toMatchObject({ state: known('absent'), version: known(null) });
  });

  it('tells that what somebody deployed by hand is of no pin, since when and by whom, and leaves out what is only staged', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    standIn.stage('staging', PLACE.app, `ghcr.io/acme/echo@${digestOf('b2')}`);
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1), image: known(digestOf('a1')) });
    standIn.deployByHand('staging', PLACE.app, `ghcr.io/acme/echo@${digestOf('b2')}`, 'mallory');
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(3), deployedBy: known('mallory'), image: known(null) });
    standIn.account.published.clear();
    expect(imageIn(await modal.describe(PLACE, signal))).toMatchObject({ known: false });
  });

  it('finds out that a published name was moved to another image', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    const [name] = [...standIn.account.published.keys()];
    expect(await modal.nameLeadsToPin!(planOf('a1'), ioOf())).toEqual(known(true));
    await modal.deploy(planOf('b2'), ioOf());
    standIn.account.published.set(name!, standIn.account.published.get(name!.replaceAll('a1', 'b2'))!);
    expect(await modal.nameLeadsToPin!(planOf('a1'), ioOf())).toEqual(known(false));
    expect(imageIn(await modal.describe(PLACE, signal))).toMatchObject({ known: false, reason: expect.stringContaining('moved a name') });
  });

  it('leaves what runs as it is if the image does not build, and says why', async () => {
    const modal = await start({ pull: (reference) => (reference.endsWith(digestOf('b2')) ? 'unauthorized: authentication required' : null) });
    await modal.deploy(planOf('a1'), ioOf());
    const error = await errorOf(() => modal.deploy(planOf('b2'), ioOf()));
    expect(error).toMatchObject({ code: 'ERR_DEPLOY_FAILED' });
    expect(error.message).toContain('unauthorized: authentication required');
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1), image: known(digestOf('a1')) });
  });

  it('hands the credentials of a private registry on by the name of their secret', async () => {
    const seen: unknown[] = [];
    await start({ pull: (_, credentials) => (seen.push(credentials && Object.fromEntries(credentials)), null) });
    const values = { REGISTRY_USERNAME: 'bot', REGISTRY_PASSWORD: 'pw' };
    const modal = hostingOf(standIn, temporaryFolder(), { registrySecret: 'ghcr' });
    expect((await modal.preflight(planOf('a1'), ioOf())).map(({ code }) => code)).toEqual(['ERR_SECRET_MISSING']);
    await modal.secrets.put('staging', 'ghcr', new Map(Object.entries(values)), ioOf());
    expect(await modal.preflight(planOf('a1'), ioOf())).toEqual([]);
    await modal.deploy(planOf('a1'), ioOf());
    expect(seen).toEqual([values]);
  });

  it.each([
    ['the control plane tells another image than was built', () => standIn.account.reported.set(imageId(), 'im-0000000000000000000000')],
    [
      'somebody deploys by hand before it is read back',
      () => {
        const happen = () => standIn.deployByHand('staging', PLACE.app, `ghcr.io/acme/echo@${digestOf('c3')}`);
        standIn.faults.push({ method: 'FunctionGet', times: 1, fault: { kind: 'before', happen } });
      },
    ],
  ])('fails if %s', async (_, spoil) => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    spoil();
    expect(await errorOf(() => modal.deploy(planOf('a1'), ioOf()))).toMatchObject({ code: 'ERR_DEPLOY_MISMATCH', exitCode: 2 });
  });
  const imageId = (): string => [...standIn.account.published.values()][0]!;

  it('tells all that is in the way at once, before it changes anything', async () => {
    await start();
    const { settings } = planOf('a1');
    const modal = hostingOf(standIn, temporaryFolder(), { python: '/nowhere/python', registrySecret: 'ghcr', env: { MODAL_PROXY_KEY: undefined } });
    const plan = planOf('a1', {
      place: { environment: 'staging', app: 'x'.repeat(65) },
      settings: {
        ...settings,
        scaling: { ...settings.scaling, idleSeconds: 4000 },
        resources: { ...settings.resources, gpu: '--yes' },
        secrets: { required: ['API_KEY'], optional: [] },
      },
      secret: 'acme-echo',
    });
    const problems = await modal.preflight(plan, ioOf());
    expect(problems.map(({ code }) => code)).toEqual([
      'ERR_HOSTING_AUTH',
      'ERR_OPTION_INVALID',
      'ERR_OPTION_INVALID',
      'ERR_OPTION_INVALID',
      'ERR_TOOL_MISSING',
      'ERR_SECRET_MISSING',
      'ERR_SECRET_MISSING',
    ]);
    expect(problems[4]!.fix).toContain('pip install modal==1.6.4');
    expect(standIn.account.apps.size + standIn.account.images.size + standIn.account.secrets.size).toBe(0);
  });

  it.each([
    ['a wrong token', { MODAL_TOKEN_SECRET: 'as-canary-token' }, 'staging', 'ERR_HOSTING_AUTH'],
    ['no token', { MODAL_TOKEN_ID: undefined, MODAL_TOKEN_SECRET: undefined }, 'staging', 'ERR_HOSTING_AUTH'],
    ['an environment that is not there', {}, 'dev', 'ERR_HOSTING_ENVIRONMENT'],
    ['nobody who answers', { MODAL_SERVER_URL: 'http://127.0.0.1:1' }, 'staging', 'ERR_HOSTING_UNAVAILABLE'],
  ] as const)('names %s in time, without a value of it', async (_, env, environment, code) => {
    await start({ environments: ['staging', 'main'] });
    const modal = hostingOf(standIn, temporaryFolder(), { env });
    const [problem, ...more] = await modal.preflight(planOf('a1', { place: { ...PLACE, environment } }), ioOf());
    expect([problem?.code, more]).toEqual([code, []]);
    const told = await modal.describe({ ...PLACE, environment }, signal);
    expect(Object.values(told).filter((fact) => typeof fact === 'object' && 'known' in fact && fact.known)).toEqual([]);
    expect(JSON.stringify([problem, told])).not.toContain('as-canary-token');
  });

  it.each([
    ['has another version of the client', 'case "$*" in *importlib.metadata*) echo 1.6.3; exit;; esac', 'modal 1.6.3'],
    ['has no client', 'case "$*" in *importlib.metadata*) exit 1;; esac', 'has no package modal'],
  ])('deploys nothing if the Python %s', async (_, script, text) => {
    await start();
    const { program } = watchedPython(temporaryFolder(), { more: script });
    const error = await errorOf(() => hostingOf(standIn, temporaryFolder(), { python: program }).deploy(planOf('a1'), ioOf()));
    expect(error).toMatchObject({ code: 'ERR_TOOL_MISSING' });
    expect(error.message).toContain(text);
    expect(standIn.calls).toEqual([]);
  });

  /** What a deployment with a secret calls, by the order in which it makes each call first. */
  const callsOfDeployment = async (modal: HostingPlatform): Promise<string[]> => {
    await modal.secrets.put('staging', 'acme-echo', new Map([['API_KEY', 'one']]), ioOf());
    const before = standIn.calls.length;
    await modal.deploy(planOf('a1', { ...WITH_SECRET, place: { ...PLACE, app: 'acme-first-v1' } }), ioOf());
    return [...new Set(standIn.calls.slice(before).map(({ method }) => method))];
  };
  const WITH_SECRET = { secret: 'acme-echo', settings: { ...planOf('a1').settings, secrets: { required: ['API_KEY'], optional: [] } } };
  /** Calls without which a deployment is no less than one: signs of life, and a question that one client asks for a hint. */
  const NEEDLESS = ['AppHeartbeat', 'AppClientDisconnect', 'AuthTokenGet', 'ClientHello', 'AppGetTags', 'AppSetTags'];

  it('fails whichever of its calls is refused for ever, tells so, and converges when none is any more', async () => {
    const modal = await start();
    const methods = await callsOfDeployment(modal);
    expect(methods).toEqual(
      expect.arrayContaining(['AppGetOrCreate', 'ImageGetOrCreate', 'ImagePublish', 'AppCreate', 'FunctionCreate', 'AppPublish', 'FunctionGet']),
    );
    const told: (readonly [string, string, string])[] = [];
    for (const method of methods.filter((each) => !NEEDLESS.includes(each))) {
      // Another image, which has to be built, on the same app: each run finds what the one before it left.
      standIn.account.images.clear();
      standIn.faults.push({ method, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION', details: 'not today' } });
      const error = await errorOf(() => modal.deploy(planOf('b2', WITH_SECRET), ioOf()));
      told.push([method, error.code, error.message]);
      standIn.faults.length = 0;
    }
    // The Python client says of its own question for the name only that there is no such name.
    const reason = /not today|is not a published Modal Image/;
    expect(told.filter(([, code, message]) => code !== 'ERR_DEPLOY_FAILED' || !reason.test(message))).toEqual([]);
    await modal.deploy(planOf('b2', WITH_SECRET), ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1), image: known(digestOf('b2')) });
  });

  it.each(['refuse', 'lose'] as const)('survives each of its calls once: %s', async (kind) => {
    const modal = await start();
    // A stream that breaks off is joined anew by the words of its end alone.
    const methods = (await callsOfDeployment(modal)).filter((method) => method !== 'ImageJoinStreaming');
    standIn.faults.push(...methods.map((method) => ({ method, times: 1, fault: { kind } })));
    await modal.deploy(planOf('b2', WITH_SECRET), ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1), image: known(digestOf('b2')) });
  });

  it('tells that Modal does not answer, whatever the patience of its clients', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    standIn.faults.push({ method: 'AppList', times: 1, fault: { kind: 'hang' } });
    const silent = await modal.survey('staging', [PLACE.app], signal);
    expect(silent).toMatchObject({ others: { known: false }, published: { known: false } });
    expect(silent.asked.get(PLACE.app)).toMatchObject({ state: { known: false, reason: expect.stringContaining('did not answer') } });
    standIn.faults.push({ method: 'ImageListTags', times: 1, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1), image: { known: false } });
  });

  it('stops waiting for a deploy when Modal goes away in the middle', async () => {
    const modal = await start();
    const happen = () => {
      standIn.faults.push({ method: 'EnvironmentGetOrCreate', fault: { kind: 'hang' } });
      return new Promise<void>(() => {});
    };
    standIn.faults.push({ method: 'AppPublish', times: 1, fault: { kind: 'before', happen } });
    expect(await errorOf(() => modal.deploy(planOf('a1'), ioOf()))).toMatchObject({ code: 'ERR_HOSTING_UNAVAILABLE' });
  });

  it('ends at once when it is interrupted, and a rerun converges', async () => {
    const modal = await start();
    const controller = new AbortController();
    const happen = () => (controller.abort(), new Promise<void>(() => {}));
    standIn.faults.push({ method: 'AppPublish', times: 1, fault: { kind: 'before', happen } });
    expect(await errorOf(() => modal.deploy(planOf('a1'), ioOf(controller.signal)))).toMatchObject({ code: 'ERR_CANCELLED' });
    await modal.deploy(planOf('a1'), ioOf());
    expect(await modal.describe(PLACE, signal)).toMatchObject({ version: known(1) });
  });

  it('tells of many apps with two calls for each, and wakes none, without the app that images are built in', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    standIn.multiply('staging', PLACE.app, 99);
    standIn.faults.push({ method: 'FunctionGetById', times: 1, fault: { kind: 'refuse', code: 'NOT_FOUND', details: 'gone meanwhile' } });
    const before = standIn.calls.length;
    const names = [PLACE.app, ...Array.from({ length: 98 }, (_, at) => `${PLACE.app}-${at}`)];
    const { asked, others } = await modal.survey('staging', names, signal);
    const told = [...asked.values()];
    expect(standIn.calls.length - before).toBeLessThan(2 * names.length + 10);
    expect(others).toMatchObject({ value: [{ app: `${PLACE.app}-98`, image: { known: false } }] });
    expect(told).toHaveLength(99);
    expect(told.filter(({ image }) => image.known && image.value === digestOf('a1'))).toHaveLength(98);
    expect(told.filter(({ settings }) => !settings.known)).toMatchObject([{ settings: { reason: expect.stringContaining('gone meanwhile') } }]);
    expect([...standIn.account.apps.values()].flatMap(({ fronts }) => [...fronts.values()].map(({ woken }) => woken()))).toEqual([0]);
  });

  it.each([
    ['plain', {}],
    ['with a GPU and limits', { resources: { cpu: 0.125, memoryGb: 1.5, gpu: 'H100:2' }, scaling: { min: 2, max: 9, idleSeconds: 61 }, concurrency: 3 }],
    ['open to everybody, in a region', { proxyAuth: false, region: 'eu-west', concurrency: 1 }],
  ])('tells of one among many apps, which it asks about without the layers of the SDK, the very same: %s', async (_, settings) => {
    const modal = await start();
    const plan = planOf('a1');
    await modal.deploy({ ...plan, settings: { ...plan.settings, ...settings } }, ioOf());
    let seen = 0;
    const ways = (method: string): string[] => {
      const calls = standIn.calls.slice(seen).filter((call) => call.method === method);
      seen = standIn.calls.length;
      return calls.map(({ metadata }) => (metadata.includes('x-idempotency-key') ? 'SDK' : 'direct'));
    };
    const bySdk = await modal.describe(PLACE, signal);
    expect(bySdk).toMatchObject({ state: known('running'), settings: { known: true } });
    standIn.multiply('staging', PLACE.app, 40);
    for (const method of ['FunctionGetById', 'FunctionGetSchedulingParams']) {
      ways(method);
      expect(await modal.describe(PLACE, signal)).toEqual(bySdk);
      expect(ways(method)).toEqual(['direct']);
      // One that is refused for once is asked for again, as the SDK does.
      standIn.faults.push({ method, times: 1, fault: { kind: 'refuse' } });
      expect(await modal.describe(PLACE, signal)).toEqual(bySdk);
      expect(ways(method)).toEqual(['direct', 'SDK']);
      standIn.faults.push({ method, fault: { kind: 'refuse', code: 'PERMISSION_DENIED', details: 'not for 100 % of you: é' } });
      expect(await modal.describe(PLACE, signal)).toMatchObject({ image: { known: false, reason: expect.stringContaining('not for 100 % of you: é') } });
      expect(ways(method)).toEqual(['direct']);
      standIn.faults.splice(0, Infinity);
    }
  });

  it('tells what was answered when Modal falls silent in the middle, and waits for nothing more', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    standIn.multiply('staging', PLACE.app, 99);
    standIn.faults.push({ method: 'FunctionGetSchedulingParams', fault: { kind: 'hang' } }, { method: 'FunctionGetById', fault: { kind: 'hang' } });
    const names = Array.from({ length: 99 }, (_, at) => `${PLACE.app}-${at}`);
    const began = performance.now();
    const { asked, others } = await modal.survey('staging', names, signal);
    // Each call alone may take 7 s, and 99 apps are asked about 32 at a time.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(others).toMatchObject({ known: true });
    for (const app of asked.values()) expect(app).toMatchObject({ state: { known: true }, version: { known: true }, image: { known: false } });
  });

  it('takes an app of another kind, whatever it is described by, for none of ours', async () => {
    const modal = await start();
    await modal.deploy(planOf('a1'), ioOf());
    const [app] = [...standIn.account.apps.values()].filter(({ name }) => name === PLACE.app);
    standIn.account.apps.set('ap-run', { ...app!, id: 'ap-run', name: 'acme-run-v1', live: null, state: 'APP_STATE_EPHEMERAL' as never });
    expect(await modal.describe({ ...PLACE, app: 'acme-run-v1' }, signal)).toMatchObject({ state: known('absent') });
  });
});
