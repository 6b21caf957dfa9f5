import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { refSchema } from '@pinlane/contracts';
import { sha256 } from '@pinlane/oci';
import type { DeploymentPlan, HostingPlatform } from '@pinlane/pipeline';
import { errorOf, processesWith, temporaryFolder, textIfThere } from '@pinlane/testing';
import { awaitServing, backoffAfter, createLocalHosting, hostRuntime, requestsTo } from '../../../src/index.ts';
import { hostingSuite } from '../../support/hosting-suite.ts';
import { OWN_PLATFORM, unpackedImage } from '../../support/image.ts';
import { HEALTHY, IMAGE, makeRootfs } from '../../support/rootfs.ts';

jest.setTimeout(120_000);

const node = join(import.meta.dirname, '../../../../../node_modules/.bin/node');
const io = () => ({ progress: () => undefined, signal: new AbortController().signal });

const open = async () => {
  const deployments = temporaryFolder('deployments', { forFile: true });
  const rootfs = makeRootfs(HEALTHY);
  const platform: HostingPlatform = createLocalHosting({
    deployments,
    takes: OWN_PLATFORM,
    runtime: 'host',
    runtimes: [hostRuntime],
    supervisor: {
      command: node,
      args: [join(import.meta.dirname, '../../support/local-supervisor.ts')],
      env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
    },
    openImage: async (plan) => ({ ...(await unpackedImage(rootfs, { name: plan.slug, config: IMAGE })), digest: plan.image.digest }),
    imageOrder: () => rootfs,
    user: 'ann',
    temporary: temporaryFolder('probes', { forFile: true }),
  });
  const plan = (image: 'one' | 'two', settings = {}): DeploymentPlan => ({
    ref: refSchema.parse('acme/echo@1'),
    slug: 'acme-echo',
    place: { environment: 'dev', app: 'main-ann-acme-echo-v1' },
    image: { host: 'store.localhost', path: 'acme-echo', digest: sha256(image) },
    platform: OWN_PLATFORM,
    settings: {
      ...{ port: 8000, scaling: { min: 0, max: 1, idleSeconds: 60 }, region: null, proxyAuth: true, resources: { cpu: 1, memoryGb: 1, gpu: null } },
      ...{ timeoutSeconds: 60, concurrency: undefined, secrets: { required: [], optional: [] }, ...settings },
    },
    expected: { port: 8000 },
    secret: null,
    env: { PINLANE_ENV: 'local' },
  });
  return { platform, plan, deployments, end: () => platform.stop(plan('one').place, io()) };
};

hostingSuite('local', open);

describe('an app of this machine', () => {
  let under: Awaited<ReturnType<typeof open>> | undefined;
  afterEach(async () => {
    await under?.end();
    under = undefined;
  });
  const start = async () => {
    under = await open();
    await under.platform.deploy(under.plan('one'), io());
    const address = await under.platform.address(under.plan('one').place, io().signal);
    const folder = join(under.deployments, 'dev/main-ann-acme-echo-v1');
    const statusOf = (version: number) => JSON.parse(readFileSync(join(folder, `v${version}.json`), 'utf8')) as { holder: { pid: number }; restarts: number };
    return { ...under, request: requestsTo(address), folder, statusOf };
  };
  const digest = sha256('one');

  it('is started again when its processor ends, at the same address', async () => {
    const { request, statusOf } = await start();
    await request({ method: 'GET', path: '/crash' }).catch(() => undefined);
    expect((await awaitServing({ request, digest, budgetMs: 20_000, signal: io().signal })).why).toBeNull();
    expect(statusOf(1).restarts).toBe(1);
  });

  it('is told as stopped when its supervisor was killed, takes its processor along, and runs after another deployment', async () => {
    const { request, statusOf, platform, plan } = await start();
    const { pid } = JSON.parse(Buffer.from((await request({ method: 'GET', path: '/healthz' })).body).toString()) as { pid: number };
    process.kill(statusOf(1).holder.pid, 'SIGKILL');
    for (let step = 0; step < 100 && existsSync(`/proc/${pid}`); step += 1) await sleep(50);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect((await platform.describe(plan('one').place, io().signal)).state).toEqual({ known: true, value: 'stopped' });
    await platform.deploy(plan('one'), io());
    expect((await awaitServing({ request, digest, budgetMs: 20_000, signal: io().signal })).why).toBeNull();
  });

  it('answers what it has begun while the next version takes its place', async () => {
    const { request, platform, plan } = await start();
    const slow = request({ method: 'GET', path: '/slow' });
    await platform.deploy(plan('two'), io());
    expect(JSON.parse(Buffer.from((await slow).body).toString())).toMatchObject({ image_digest: digest });
    expect((await awaitServing({ request, digest: sha256('two'), budgetMs: 20_000, signal: io().signal })).why).toBeNull();
  });

  it('keeps the version before if the new one does not start, and says why', async () => {
    const { request, platform, plan } = await start();
    const broken: DeploymentPlan = { ...plan('two'), env: { NODE_OPTIONS: '--no-such-option' } };
    expect(await errorOf(() => platform.deploy(broken, io()))).toMatchObject({ code: 'ERR_DEPLOY_FAILED' });
    expect((await awaitServing({ request, digest, budgetMs: 5000, signal: io().signal })).why).toBeNull();
    expect((await platform.describe(plan('one').place, io().signal)).image).toEqual({ known: true, value: digest });
  });

  it('holds the value of a secret in the store of secrets alone, which this user alone may read', async () => {
    const { platform, plan, deployments } = await start();
    const withSecret: DeploymentPlan = { ...plan('one'), secret: 'echo-secrets' };
    await platform.secrets.put('dev', 'echo-secrets', new Map([['API_KEY', 'canary-4711-canary']]), io());
    await platform.deploy(withSecret, io());
    const files = readdirSync(deployments, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holding = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => textIfThere(path).includes('canary-4711'));
    expect(holding).toEqual([join(deployments, 'dev/.secrets/echo-secrets.json')]);
    expect(statSync(holding[0]!).mode & 0o777).toBe(0o600);
    expect(statSync(join(deployments, 'dev/.secrets')).mode & 0o777).toBe(0o700);
    expect([...processesWith('canary-4711').values()]).toEqual([]);
  });

  it('is waited for longer after each end, half a minute at most', () => {
    expect([1, 2, 3, 7, 100].map(backoffAfter)).toEqual([500, 1000, 2000, 30_000, 30_000]);
  });
});
