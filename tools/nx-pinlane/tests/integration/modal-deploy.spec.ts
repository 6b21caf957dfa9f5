import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parsePinnedReference, type AcceptanceReport, type Deployment } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { errorOf, lackOf, putImage, requirement, startRegistry, withWarmPython, type TestRegistry } from '@pinlane/testing';
import { standInEnvironment, startModalStandIn, type ContainerPlan, type ModalStandIn } from '@pinlane/testing/modal';
import { attachEvidence } from '../../src/images/evidence.ts';
import { openLocations } from '../../src/images/locations.ts';
import { verb } from '../../src/verbs/modal-deploy/verb.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { makeImage, type ProcessorImage } from './support/images.ts';
import { contextOf, run, withFiles } from './support/verb-context.ts';

const CANARY = 'canary-of-staging';
const images = { one: makeImage('acme-one', 'one'), two: makeImage('acme-one', 'two') };

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

/** A processor as far as /healthz tells: it says which digest it is. */
const startHealthy = async ({ environment }: ContainerPlan) => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok: true, ref: 'acme/one@1', image_digest: environment.get('IMAGE_DIGEST') }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
};

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('modal-deploy, by the real clients of Modal', () => {
  let registry: TestRegistry;
  let standIn: ModalStandIn;
  const warm = withWarmPython();
  const repository = () => ({ host: registry.host, path: 'acme/acme-one' });
  const nameOf = ({ amd64 }: ProcessorImage) => `${registry.host}/acme/acme-one@${amd64.descriptor.digest}`;

  beforeAll(async () => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
    registry = await startRegistry();
    for (const image of Object.values(images)) await putImage(openRepository(repository()), image);
  });
  afterAll(() => registry.close());
  beforeEach(async () => {
    standIn = await startModalStandIn({ python: warm(), start: startHealthy });
  });
  afterEach(() => standIn.stop());

  const accept = async (image: ProcessorImage, lane: 'staging' | 'dev', root: string): Promise<void> => {
    const { digest } = image.amd64.descriptor;
    const report: AcceptanceReport = {
      ...{
        kind: 'AcceptanceReport',
        schemaVersion: 1,
        ref: 'acme/one@1' as AcceptanceReport['ref'],
        image: nameOf(image),
        digest,
        platform: 'linux/amd64',
        lane,
      },
      ...{ pinned: true, verdict: 'accepted', log: null, startedAt: '2026-11-23T12:00:00.000Z', durationMs: 1000, healthyAfterMs: 100 },
      isolation: { runtime: 'bubblewrap', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' },
      checks: [{ rule: 'healthz.ok', title: 'It is healthy', outcome: 'passed', message: '', durationMs: 3 }],
    };
    await attachEvidence(
      report,
      'staging',
      parsePinnedReference(nameOf(image)),
      openLocations(workspacePaths(root, 'staging'), { insecureRegistries: new Set() }),
    );
  };
  const specOf = (image: ProcessorImage, more = ''): string =>
    `ref: acme/one@1\nimage:\n  repository: ${registry.host}/acme/acme-one\n  platforms:\n    amd64: ${nameOf(image)}\n${more}`;
  const within = (spec: string, work: (root: string) => Promise<void>) => withFiles({ 'acme-one/registry.yaml': spec }, work);
  const deploy = async (root: string, options: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}) => {
    const proxy = { MODAL_PROXY_KEY: standIn.proxyToken.key, MODAL_PROXY_SECRET: standIn.proxyToken.secret };
    const context = contextOf(root, {
      ...{ project: 'acme-one', projectRoot: 'acme-one' },
      env: { PATH: process.env['PATH'], ...standInEnvironment(standIn), ...proxy, PINLANE_MODAL_PYTHON: warm(), ...env },
    });
    const { document, ...more } = await run(verb, { lane: 'staging', ...options }, context);
    return { ...more, document: document as Deployment };
  };
  const textsBelow = (root: string): string[] =>
    readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((each) =>
      each.isFile() ? [readFileSync(join(each.parentPath, each.name), 'latin1')] : [],
    );
  const changes = () => standIn.calls.filter(({ method }) => ['AppPublish', 'FunctionCreate', 'ImagePublish', 'SecretGetOrCreate'].includes(method));

  it('deploys what was accepted, proves that it is configured and serves, does nothing the second time, and leaves no secret in a file', () =>
    within(specOf(images.one), async (root) => {
      await accept(images.one, 'staging', root);
      const { digest } = images.one.amd64.descriptor;
      const planned = await deploy(root, { dryRun: true });
      expect([planned.exitCode, planned.document.outcome, standIn.account.apps.size, changes()]).toEqual([0, 'planned', 0, []]);

      const first = await deploy(root, {}, { API_KEY_STAGING: CANARY });
      expect(first.exitCode).toBe(0);
      expect(first.document).toMatchObject({
        ...{ outcome: 'deployed', adapter: 'modal', environment: 'staging', app: 'acme-one-v1', platform: 'linux/amd64', image: nameOf(images.one) },
        ...{ configured: { known: true, value: digest }, serving: { known: true, value: digest } },
        evidence: expect.stringMatching(/^sha256:/),
      });
      const before = changes().length;
      const second = await deploy(root);
      expect([second.exitCode, second.document.outcome, second.document.serving]).toEqual([0, 'unchanged', { known: true, value: digest }]);
      expect(changes()).toHaveLength(before);
      for (const text of textsBelow(root)) for (const secret of [CANARY, standIn.token.secret, standIn.proxyToken.secret]) expect(text).not.toContain(secret);
    }));

  it('tells everything that is in the way at once, and changes nothing', () =>
    within(specOf(images.two, 'secrets: { required: [API_KEY] }\n'), async (root) => {
      await accept(images.two, 'dev', root);
      const without = await errorOf(() => deploy(root, { lane: 'main' }, { API_KEY_PROD: CANARY, MODAL_TOKEN_SECRET: CANARY }));
      expect(without.message).toMatch(/ERR_EVIDENCE_MISSING[^]*lane staging's passing acceptance report[^]*one of lane dev/);
      expect(without.message).toMatch(/ERR_HOSTING_AUTH/);
      expect(without.message).not.toContain(CANARY);
      expect(await errorOf(() => deploy(root))).toMatchObject({ message: expect.stringMatching(/ERR_SECRET_MISSING.*acme-one-v1-secrets/) });
      expect(standIn.account.apps.size + standIn.account.images.size).toBe(0);
    }));

  it.each([
    ['CI in environment dev', { lane: 'local' }, { CI: 'true' }, 'ERR_LANE_FORBIDS'],
    ['a lane that deploys nothing', { lane: 'pr' }, {}, 'ERR_LANE_FORBIDS'],
    ['no evidence in staging', { evidence: false }, {}, 'ERR_LANE_FORBIDS'],
    ['a platform that is not pinned', { platform: 'linux/arm64' }, {}, 'ERR_IMAGE_UNPINNED'],
    ['a shared folder by a path from here', {}, { PINLANE_DEPLOYMENTS: 'apps' }, 'ERR_OPTION_INVALID'],
  ])('refuses %s, and changes nothing', (_, options, env, code) =>
    within(specOf(images.one), async (root) => {
      const { problems } = await errorOf(() => deploy(root, options, env));
      expect(problems.map((problem) => problem.code)).toContain(code);
      expect(standIn.account.apps.size + standIn.account.images.size).toBe(0);
    }),
  );

  it('lets nothing that is wrong hide another thing that is', () =>
    within('ref: acme/one@1\nsecrets: { required: [API_KEY, OTHER] }\n', async (root) => {
      const env = { MODAL_PROXY_KEY: '', PINLANE_MODAL_PYTHON: '/nowhere/python', CI: 'true' };
      const inDev = await errorOf(() => deploy(root, { lane: 'local' }, env));
      expect(inDev.problems.map(({ code }) => code)).toEqual([
        ...['ERR_LANE_FORBIDS', 'ERR_IMAGE_UNPINNED', 'ERR_HOSTING_AUTH', 'ERR_TOOL_MISSING', 'ERR_SECRET_MISSING'],
      ]);
      expect(inDev.problems.at(-1)!.message).toMatch(/acme-one-v1-secrets.*API_KEY, OTHER/);
      const staged = await errorOf(() => deploy(root, { evidence: false }, { MODAL_TOKEN_SECRET: CANARY }));
      expect(staged.problems.map(({ code }) => code)).toEqual(['ERR_IMAGE_UNPINNED', 'ERR_LANE_FORBIDS', 'ERR_HOSTING_AUTH']);
      const store = specOf(images.one).replaceAll(`${registry.host}/acme`, 'store.localhost');
      await within(store, async (other) => {
        const { problems } = await errorOf(() => deploy(other, { lane: 'local' }));
        expect(problems.map(({ code }) => code)).toContain('ERR_PIN_LOCAL');
      });
    }));

  it('refuses an index, an image of the other platform, and a manifest that is gone, where a platform is pinned', () =>
    within(specOf(images.one), async (root) => {
      const text = readFileSync(join(root, 'acme-one/registry.yaml'), 'utf8');
      const pinning = (digest: string) => within(text.replace(images.one.amd64.descriptor.digest, digest), async (other) => void (await deploy(other)));
      const wrong = [images.one.index.descriptor.digest, images.one.arm64.descriptor.digest, `sha256:${'0'.repeat(64)}`];
      const told = [];
      for (const digest of wrong) told.push((await errorOf(() => pinning(digest))).message);
      expect(told[0]).toMatch(/ERR_PIN_UNVERIFIED.*is an index/);
      expect(told[1]).toMatch(/ERR_PIN_UNVERIFIED.*is an image for linux\/arm64/);
      expect(told[2]).toMatch(/ERR_MANIFEST_UNKNOWN/);
      expect(standIn.account.apps.size).toBe(0);
    }));

  it.each([
    ['fails with the way back', {}, 'failed', /ERR_DEPLOY_MISMATCH[^]*nx run acme-one:rollback --lane=staging --adapter=modal/],
    ['goes back if it was asked to', { autoRollback: true }, 'rolled-back', /ERR_DEPLOY_MISMATCH[^]*rolled back: [a-f0-9]{12} serves again/],
  ])('%s if the old image goes on serving', (_, options, outcome, said) =>
    within(specOf(images.one), async (root) => {
      for (const image of [images.one, images.two]) await accept(image, 'staging', root);
      await deploy(root);
      const [one, two] = [images.one.amd64.descriptor.digest, images.two.amd64.descriptor.digest];
      standIn.keepServing('acme-one-v1', 40);
      await within(specOf(images.two), async (newer) => {
        const failed = await deploy(newer, { servingTimeout: 3, ...options });
        expect([failed.exitCode, failed.document.outcome]).toEqual([2, outcome]);
        expect(failed.document).toMatchObject({ configured: { known: true, value: two }, serving: { known: true, value: one } });
        expect(failed.lines.join('\n')).toMatch(said);
      });
    }),
  );

  const digestOf = ({ amd64 }: ProcessorImage) => amd64.descriptor.digest;
  const live = () => [...standIn.account.apps.values()].filter(({ name, state }) => name === 'acme-one-v1' && state === 'APP_STATE_DEPLOYED');
  const runs = () => {
    const [definition] = [...live()[0]!.live!.functions.values()];
    return [...standIn.account.published].find(([, id]) => id === definition!.image_id)?.[0].slice(-64);
  };
  /** Something that happens before a call is answered. */
  const before = (method: string, happen: () => unknown) => standIn.faults.push({ method, times: 1, fault: { kind: 'before', happen } });
  const byHand = () => standIn.deployByHand('staging', 'acme-one-v1', `${registry.host}/acme/acme-one@sha256:${'c3'.repeat(32)}`);
  /** Has the first image deployed, and then deploys the second while something happens. */
  const redeploy = (spoil: () => unknown, options: Readonly<Record<string, unknown>> = {}, more = '') =>
    new Promise<Awaited<ReturnType<typeof deploy>>>((resolve, reject) => {
      void within(specOf(images.one, more), async (root) => {
        for (const image of Object.values(images)) await accept(image, 'staging', root);
        await deploy(root);
        writeFileSync(join(root, 'acme-one/registry.yaml'), specOf(images.two, more));
        await spoil();
        resolve(await deploy(root, { servingTimeout: 20, ...options }));
      }).catch(reject);
    });
  const withSecret = async () => {
    const values = new Map([['API_KEY', CANARY]]);
    standIn.account.secrets.set('st-keys', { id: 'st-keys', name: 'acme-one-v1-secrets', environment: 'staging', values, createdAt: standIn.account.now() });
  };
  const SECRET = 'secrets: { required: [API_KEY] }\n';
  const BACK = 'nx run acme-one:rollback --lane=staging --adapter=modal';

  it.each<[string, () => unknown]>([
    ['waits while the old image answers for a while', () => standIn.keepServing('acme-one-v1', 5)],
    ['wins over somebody who deploys by hand after the checks', () => before('AppPublish', byHand)],
  ])('%s', async (_, spoil) => {
    const { exitCode, document } = await redeploy(spoil);
    expect([exitCode, document.outcome, document.serving]).toEqual([0, 'deployed', { known: true, value: digestOf(images.two) }]);
    expect(runs()).toBe(digestOf(images.two).slice(-64));
  });

  it('tells that somebody deployed by hand before it could look, and the way back', async () => {
    const { exitCode, document, lines } = await redeploy(() => before('FunctionGet', byHand));
    expect([exitCode, document.outcome, document.configured]).toEqual([2, 'failed', { known: true, value: null }]);
    expect(lines.join('\n')).toMatch(new RegExp(`ERR_DEPLOY_MISMATCH[^]*${BACK}`));
  });

  it.each([
    ['fails, and names the way back', {}, 'failed', BACK],
    ['goes back if it was asked to', { autoRollback: true }, 'rolled-back', 'serves again'],
  ])('%s if the control plane tells another image than was deployed', async (_, options, outcome, said) => {
    const lie = () => standIn.account.reported.set([...standIn.account.published.values()].at(-1)!, 'im-0000000000000000000000');
    const told = await redeploy(() => before('AppPublish', lie), options);
    expect([told.exitCode, told.document.outcome]).toEqual([2, outcome]);
    expect(told.lines.join('\n')).toMatch(new RegExp(`ERR_DEPLOY_MISMATCH[^]*${said}`));
  });

  it('takes no dashboard for the app, though it answers 200', async () => {
    const dashboard = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<html>all is well</html>'));
    await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(dashboard.address() as AddressInfo).port}`;
    const { exitCode, document, lines } = await redeploy(() => standIn.account.urls.set('acme-one-v1', url), { servingTimeout: 2 });
    dashboard.close();
    expect([exitCode, document.outcome, document.serving.known]).toEqual([1, 'failed', false]);
    expect(lines.join('\n')).toMatch(/ERR_DEPLOY_UNREACHABLE.*it is no processor/);
  });

  it('tells that a secret lost its keys after the checks', async () => {
    await withSecret();
    const { exitCode, document, lines } = await redeploy(() => before('AppPublish', () => standIn.account.secrets.get('st-keys')!.values.clear()), {}, SECRET);
    expect([exitCode, document.outcome]).toEqual([1, 'failed']);
    expect(lines.join('\n')).toMatch(/ERR_SECRET_MISSING.*acme-one-v1-secrets has no API_KEY any more[^]*secrets-sync/);
  });

  it('leaves what runs as it is if a secret is gone after the checks', async () => {
    await withSecret();
    const remove = () => void standIn.account.secrets.delete('st-keys');
    expect(await errorOf(() => redeploy(() => before('ImagePublish', remove), {}, SECRET))).toMatchObject({ code: 'ERR_DEPLOY_FAILED' });
    expect(runs()).toBe(digestOf(images.one).slice(-64));
  });

  it('deploys once if two commands of a machine do at once', () =>
    within(specOf(images.one), async (root) => {
      await accept(images.one, 'staging', root);
      const both = await Promise.all([deploy(root), deploy(root)]);
      expect(both.map(({ exitCode, document }) => [exitCode, document.outcome]).sort()).toEqual([
        [0, 'deployed'],
        [0, 'unchanged'],
      ]);
      expect(live().map((app) => app.versions.length)).toEqual([1]);
    }));

  it('tells the truth to both if two machines deploy at once, and one of the two is what runs', () =>
    within(specOf(images.one), (root) =>
      within(specOf(images.two), async (other) => {
        for (const image of Object.values(images)) await accept(image, 'staging', root);
        await deploy(root);
        standIn.account.published.clear();
        byHand();
        const both = await Promise.all([deploy(root, { servingTimeout: 5 }), deploy(other, { servingTimeout: 5 })]);
        const [one, two] = [images.one, images.two].map((image) => digestOf(image).slice(-64));
        expect([one, two]).toContain(runs());
        const winner = both[runs() === one ? 0 : 1]!;
        expect([winner.exitCode, winner.document.outcome]).toEqual([0, 'deployed']);
        // The other was deployed, too, and was what ran until then; or it says that it is not what runs.
        for (const { exitCode, document } of both) expect([exitCode, document.outcome]).toEqual(exitCode === 0 ? [0, 'deployed'] : [2, 'failed']);
      }),
    ));

  it.each([3600, -3600])('does not care that the clock of Modal is %d s away', async (away) => {
    await standIn.stop();
    standIn = await startModalStandIn({ python: warm(), start: startHealthy, now: () => Date.now() / 1000 + away });
    await withSecret();
    await within(specOf(images.one, SECRET), async (root) => {
      await accept(images.one, 'staging', root);
      expect([(await deploy(root)).document.outcome, (await deploy(root)).document.outcome]).toEqual(['deployed', 'unchanged']);
    });
  });
});
