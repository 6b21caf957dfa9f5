import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parsePinnedReference, type AcceptanceReport, type Deployment } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { errorOf, lackOf, putImage, requirement, startRegistry, type TestRegistry } from '@pinlane/testing';
import { standInEnvironment, startModalStandIn, withWarmPython, type ContainerPlan, type ModalStandIn } from '@pinlane/testing/modal';
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
  ])('refuses %s before it asks anybody', (_, options, env, code) =>
    within(specOf(images.one), async (root) => {
      expect(await errorOf(() => deploy(root, options, env))).toMatchObject({ code });
      expect(standIn.calls).toEqual([]);
    }),
  );

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
});
