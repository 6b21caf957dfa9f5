import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fail, PinlaneError, type DoctorReport } from '@pinlane/contracts';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { lookAtAll, type Check } from '../../src/verbs/doctor/check.ts';
import { FLOORS, isFitNode, isFitNx } from '../../src/verbs/doctor/checks/machine.ts';
import { secretFinding } from '../../src/verbs/doctor/checks/secrets.ts';
import { scrubbed } from '../../src/verbs/doctor/scrub.ts';
import { namesOfVariables, readSettings } from '../../src/verbs/doctor/settings.ts';

const never = () => new Promise<never>(() => undefined);
const check = (name: string, look: Check['look'], needed: string | null = 'all'): Check => ({ group: 'machine', name, needed, without: 'nothing', look });

describe('looking at everything', () => {
  it('tells what hangs and what throws as not known, with a remedy, beside what it found', async () => {
    const found = await lookAtAll(
      [
        check('good', () => ({ state: 'ok', message: 'here' }), null),
        check('hangs', never),
        check('throws', () => fail('ERR_REGISTRY_SYNTAX', 'what is this', { file: 'a.yaml', line: 2 })),
        check('is odd', () => {
          throw new TypeError('odd');
        }),
        check('is refused by the system', () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES', errno: -13, syscall: 'open' }))),
      ],
      new AbortController().signal,
      100,
    );
    expect(found.map(({ state }) => state)).toEqual(['ok', 'unknown', 'unknown', 'unknown', 'unknown']);
    expect(found[0]).toEqual({ group: 'machine', name: 'good', state: 'ok', needed: false, purpose: 'nothing', message: 'here', fix: null });
    expect(found[1]!.message).toBe('there was no answer within 0.1 s');
    expect(found[2]).toMatchObject({ message: 'ERR_REGISTRY_SYNTAX: what is this', file: 'a.yaml', line: 2 });
    for (const each of found.slice(1)) expect(each.fix).not.toBeNull();
  });

  it('begins to look at nothing more when the time is over', async () => {
    let begun = 0;
    const found = await lookAtAll(
      Array.from({ length: 300 }, (_, at) => check(`hangs ${at}`, () => ((begun += 1), never()))),
      new AbortController().signal,
      50,
    );
    expect([begun < 100, found.length, new Set(found.map(({ message }) => message)).size]).toEqual([true, 300, 1]);
  });

  it('ends at once when it is interrupted, and tells the work to stop', async () => {
    const stop = new AbortController();
    let told = false;
    const looking = lookAtAll([check('hangs', (signal) => (signal.addEventListener('abort', () => (told = true)), never()))], stop.signal, 60_000);
    const ended = errorOf(() => looking);
    stop.abort(new PinlaneError({ code: 'ERR_CANCELLED', message: 'stopped' }));
    expect(await ended).toMatchObject({ code: 'ERR_CANCELLED' });
    expect(told).toBe(true);
  });
});

describe('the floors', () => {
  it('are those of the package', () => {
    const { engines, peerDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      engines: { node: string };
      peerDependencies: { nx: string };
    };
    expect(engines.node).toBe(`>=${FLOORS.node.join('.')}`);
    expect(peerDependencies.nx).toBe(`>=${FLOORS.nx.lowest} <${FLOORS.nx.below}`);
  });

  it.each([
    ['22.11.9', false],
    ['22.12.0', true],
    ['24.1.0', true],
    ['9.99.0', false],
  ])('know a Node: %s', (version, fit) => expect(isFitNode(version)).toBe(fit));

  it.each([
    ['21.9.9', false],
    ['22.0.0', true],
    ['24.0.0-beta.1', true],
    ['25.0.0', false],
  ])('know an Nx: %s', (version, fit) => expect(isFitNx(version)).toBe(fit));
});

describe('settings', () => {
  const read = (env: Record<string, string>, nxJson = {}, options = {}) => readSettings({ environment: 'dev', ...options }, env, nxJson);

  it('come from an option, else a variable, else nx.json, and say from where', () => {
    const nxJson = { targetDefaults: { buildx: { options: { engine: 'docker', registry: 'ghcr.io/of-nx' } } }, plugins: [] };
    expect(read({}, nxJson)).toMatchObject({ engine: 'docker', registry: 'ghcr.io/of-nx', lane: 'local' });
    const env = { PINLANE_ENGINE: 'embedded', PINLANE_REGISTRY: 'ghcr.io/of-env', PINLANE_LANE: 'staging' };
    expect(read(env, nxJson)).toMatchObject({ engine: 'embedded', registry: 'ghcr.io/of-env', lane: 'staging' });
    const settings = read(env, nxJson, { lane: 'main', registry: 'ghcr.io/of-option' });
    expect(settings.told).toEqual([
      { name: 'lane', value: 'main', from: '--lane' },
      { name: 'engine', value: 'embedded', from: 'PINLANE_ENGINE' },
      { name: 'registry', value: 'ghcr.io/of-option', from: '--registry' },
    ]);
  });

  it.each([['PINLANE_LANE'], ['PINLANE_ENGINE'], ['PINLANE_REGISTRY'], ['PINLANE_RUNTIME'], ['PINLANE_ADAPTER'], ['PINLANE_INSECURE_REGISTRY']])(
    'that are wrong are a line each, and count as not set; what they hold is not told: %s',
    (name) => {
      const value = 'https://user:canary@Not A Word';
      const settings = read({ [name]: value });
      expect(settings.faults.map((fault) => fault.name)).toEqual([name]);
      expect(settings).toMatchObject({ lane: 'local', engine: 'auto', runtime: 'auto', adapter: undefined, registry: undefined });
      expect(JSON.stringify([settings.told, settings.faults.map(({ look }) => look(AbortSignal.timeout(1)))])).not.toMatch(/canary|Not A Word/);
    },
  );

  it('name variables and proxies, and none of their values', () => {
    const env = {
      HTTPS_PROXY: 'http://u:p@h',
      no_proxy: 'x',
      MODAL_TOKEN_SECRET: 's',
      PINLANE_LANE: 'pr',
      NODE_OPTIONS: '',
      OPENAI_API_KEY: 'k',
      PATH: '/bin',
      CI: '1',
    };
    expect(namesOfVariables(env)).toEqual({ proxies: ['HTTPS_PROXY', 'no_proxy'], variables: ['CI', 'MODAL_TOKEN_SECRET', 'PINLANE_LANE'] });
  });
});

describe('a secret', () => {
  const keys = (given: boolean) => [{ name: 'API_KEY', variable: 'API_KEY_STAGING', given }];
  it.each([
    ['stored', false, { known: true, value: ['API_KEY'] }, 'ok'],
    ['given, where none is stored', true, { known: true, value: null }, 'ok'],
    ['given, where nobody knows what is stored', true, { known: false, reason: 'it is late' }, 'ok'],
    ['neither', false, { known: true, value: ['OTHER'] }, 'missing'],
    ['not given, where nobody knows what is stored', false, { known: false, reason: 'it is late' }, 'unknown'],
  ] as const)('is %s', (_, given, stored, state) => {
    const found = secretFinding({ slug: 'acme-echo', keys: keys(given) }, stored as never, 'staging');
    expect(found.state).toBe(state);
    if (found.state !== 'ok') expect(found.fix).toContain('API_KEY_STAGING');
  });
});

describe('a report that is handed on', () => {
  const saying = (message: string): DoctorReport =>
    ({ checks: [{ message, fix: message }], settings: [{ value: message }], modal: null, lane: 'main' }) as unknown as DoctorReport;
  const folder = temporaryFolder('scrub');

  it.each([
    ['a variable', { MY_TOKEN: 'canary-1' }, 'it was canary-1.'],
    ['a password in an address', { HTTP_PROXY: 'http://alice:canary-2@proxy:3128' }, 'canary-2 was refused'],
    ['the workspace', {}, `${folder}/processors is at ${folder}`],
    ['home', { HOME: '/home/canary' }, '/home/canary/.modal.toml is broken'],
  ])('has nothing of %s in it', (_, env, message) => {
    const text = JSON.stringify(scrubbed(saying(message), folder, { HOME: '/nowhere-at-all', ...env }));
    expect(text).not.toContain('canary');
    expect(text).not.toContain(folder);
    expect(text).toContain('"lane":"main"');
  });
});
