import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { errorOf, lackOf, requirement, withWarmPython } from '@pinlane/testing';
import { standInEnvironment, startModalStandIn, type ModalStandIn } from '@pinlane/testing/modal';
import { verb } from '../../src/verbs/secrets-sync/verb.ts';
import { contextOf, run, withFiles } from './support/verb-context.ts';

const SPEC = 'ref: acme/echo@1\nsecrets: { required: [API_KEY], optional: [API_BASE] }\n';
const CANARY = 'canary-of-staging';

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('secrets-sync, against the control plane of Modal', () => {
  let standIn: ModalStandIn;
  const warm = withWarmPython();

  beforeAll(() => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  beforeEach(async () => {
    standIn = await startModalStandIn({ python: warm() });
  });
  afterEach(async () => {
    await standIn.stop();
  });

  const sync = async (root: string, options: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>>) => {
    const lines: string[] = [];
    const context = contextOf(root, {
      project: 'acme-echo',
      projectRoot: 'acme-echo',
      env: { PATH: process.env['PATH'], ...standInEnvironment(standIn), PINLANE_MODAL_PYTHON: warm(), ...env },
      progress: (line) => void lines.push(line),
      note: (line) => void lines.push(line),
    });
    const { document, exitCode, ...more } = await run(verb, { lane: 'staging', ...options }, context);
    const { verdict, keys } = document as { verdict: string; keys: { name: string; outcome: string }[] };
    return {
      exitCode,
      verdict,
      keys: Object.fromEntries(keys.map(({ name, outcome }) => [name, outcome])),
      said: [...lines, ...more.lines].join('\n'),
      document,
    };
  };
  const within = (work: (root: string) => Promise<void>, spec = SPEC) => withFiles({ 'acme-echo/registry.yaml': spec }, work);
  const stored = () =>
    [...standIn.account.secrets.values()].map(({ name, environment, values }) => ({ name, environment, values: Object.fromEntries(values) }));

  it('stores what the lane gives, once, and again only what changed; values are nowhere else', () =>
    within(async (root) => {
      const all = [
        await sync(root, {}, { API_KEY_STAGING: CANARY, API_KEY: 'of-a-developer', API_BASE_PROD: 'of-main' }),
        await sync(root, {}, { API_KEY_STAGING: CANARY }),
        await sync(root, {}, { API_KEY_STAGING: `${CANARY}-2`, API_BASE_STAGING: 'base' }),
      ];
      expect(all.map(({ keys }) => keys)).toEqual([
        { API_KEY: 'set', API_BASE: 'absent' },
        { API_KEY: 'unchanged', API_BASE: 'absent' },
        { API_KEY: 'set', API_BASE: 'set' },
      ]);
      expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
      expect(standIn.calls.filter(({ method }) => method === 'SecretGetOrCreate')).toHaveLength(2);
      expect(stored()).toEqual([{ name: 'acme-echo-v1-secrets', environment: 'staging', values: { API_KEY: `${CANARY}-2`, API_BASE: 'base' } }]);
      const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
      const texts = [JSON.stringify(all), ...files.map((each) => readFileSync(join(each.parentPath, each.name), 'utf8'))];
      expect(texts.filter((text) => text.includes('canary'))).toEqual([]);
    }));

  it('writes nothing where a required value is not given, and names its variable', () =>
    within(async (root) => {
      await sync(root, {}, { API_KEY_STAGING: 'one', API_BASE_STAGING: 'base' });
      const told = await sync(root, {}, { API_KEY: 'of-a-developer', API_BASE_STAGING: 'other' });
      expect(told).toMatchObject({ exitCode: 2, verdict: 'missing', keys: { API_KEY: 'missing', API_BASE: 'stored' } });
      expect(told.said).toContain('API_KEY_STAGING');
      expect(stored()[0]!.values).toEqual({ API_KEY: 'one', API_BASE: 'base' });
    }));

  it('tells with --check what is missing, whatever the environment gives', () =>
    within(async (root) => {
      const given = { API_KEY_STAGING: 'one' };
      expect(await sync(root, { check: true }, given)).toMatchObject({ exitCode: 2, keys: { API_KEY: 'missing', API_BASE: 'absent' } });
      expect(stored()).toEqual([]);
      await sync(root, {}, given);
      expect(await sync(root, { check: true }, {})).toMatchObject({ exitCode: 0, keys: { API_KEY: 'stored', API_BASE: 'absent' } });
    }));

  it('tells that it could not tell, and why', () =>
    within(async (root) => {
      const told = await sync(root, { check: true }, { MODAL_SERVER_URL: 'http://127.0.0.1:1' });
      expect(told).toMatchObject({ exitCode: 1, verdict: 'unknown' });
      expect(told.said).toContain('did not answer');
    }));

  it('asks nobody about a processor without secrets', () =>
    within(async (root) => {
      expect(await sync(root, {}, {})).toMatchObject({ exitCode: 0, keys: {} });
      expect(standIn.calls).toEqual([]);
    }, 'ref: acme/echo@1\n'));

  it.each([
    ['in a lane that has none', { lane: 'dev' }, {}],
    ['by CI in the environment dev', { lane: 'local' }, { CI: 'true' }],
  ])('is refused %s', (_, options, env) =>
    within(async (root) => {
      expect(await errorOf(() => sync(root, options, { API_KEY: 'one', ...env }))).toMatchObject({ code: 'ERR_LANE_FORBIDS' });
      expect(standIn.calls).toEqual([]);
    }),
  );
});
