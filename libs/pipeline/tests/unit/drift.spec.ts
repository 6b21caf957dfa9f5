import { describe, expect, it } from '@jest/globals';
import { digestSchema, driftEntrySchema, driftReportSchema, type DeployEnvironment, type DriftEntry, type Ref } from '@pinlane/contracts';
import {
  APP_NAME_AT_MOST,
  appNameOf,
  driftOf,
  driftOfUnpinned,
  driftReport,
  driftUnknown,
  hasNameOfOurs,
  orphansOf,
  parseSpec,
  planDeployment,
  requirePinned,
  STALE_DAYS,
  type AskedFacts,
  type ObservedApp,
} from '../../src/index.ts';

const digestOf = (hex: string) => digestSchema.parse(`sha256:${hex.repeat(64)}`);
const known = <T>(value: T) => ({ known: true as const, value });
const unknown = { known: false as const, reason: 'nobody answered' };

const SPEC = `ref: acme/one@2
image: { platforms: { amd64: 'ghcr.io/acme/one@${digestOf('a')}', arm64: 'ghcr.io/acme/one@${digestOf('b')}' } }
secrets: { required: [A_KEY], optional: [B_KEY] }
deploy: { max_containers: 3 }
`;
const pinned = requirePinned(parseSpec(SPEC, { file: 'registry.yaml' }).spec, { file: 'registry.yaml', platforms: ['linux/amd64'] });
const plan = planDeployment(pinned, { lane: 'staging', environment: 'staging', platform: 'linux/amd64', branch: undefined, user: 'ann' });
const SECRET = { name: 'acme-one-v2-secrets', keys: ['A_KEY', 'B_KEY'] };
const DEPLOYED = '2026-11-20T12:00:00.000Z';
const observed = (more: Partial<ObservedApp> = {}): ObservedApp =>
  ({
    ...{ adapter: 'modal', environment: 'staging', app: 'acme-one-v2', state: known('running'), version: known(3) },
    ...{ deployedAt: known(DEPLOYED), deployedBy: known('mallory'), image: known(digestOf('a')), settings: known(plan.expected) },
    ...{ secrets: known([SECRET]), secretsCurrent: known(true), url: known(null) },
    ...(more as object),
  }) as ObservedApp;
const gone = (state: 'absent' | 'stopped', more: object = {}) =>
  observed({ state: known(state), image: known(null), settings: known(null), secrets: known([]), ...more });
const judge = (app: ObservedApp, asked: Partial<AskedFacts> = {}, lenient = false) => {
  const entry = driftOf(plan, { app, asked: { serving: null, nameLeadsToPin: null, elsewhere: null, ...asked }, pins: pinned.pins, lenient });
  expect(driftEntrySchema.safeParse(entry).error).toBeUndefined();
  return entry;
};
const of = (what: string, name: string | null, expected: string | null, found: string | null) => ({ what, name, expected, found });

describe('an app that is as it is pinned', () => {
  it.each<[string, ObservedApp, Partial<AskedFacts>]>([
    ['when nobody touched it', observed(), {}],
    ['after a rollover of the same image', observed({ version: known(4), deployedAt: known('2026-11-21T12:00:00.000Z') }), {}],
    ['when clocks are apart', observed({ deployedAt: known('2126-01-01T00:00:00.000Z') }), {}],
    ['when its version and who deployed it are not known', observed({ version: unknown, deployedAt: unknown, deployedBy: unknown }), {}],
    ['when nobody knows whether the values of its secrets are the newest', observed({ secretsCurrent: unknown }), {}],
    ['when it serves it, and the name leads to it', observed(), { serving: known(digestOf('a')), nameLeadsToPin: known(true) }],
    ['when an optional key is not stored', observed({ secrets: known([{ ...SECRET, keys: ['A_KEY'] }]) }), {}],
  ])('is in sync %s', (_, app, asked) => {
    expect(judge(app, asked)).toMatchObject({ verdict: 'in-sync', differences: [], unknown: [], since: null, by: null, ref: 'acme/one@2' });
  });
});

describe('an app that drifted', () => {
  it.each<[string, Partial<ObservedApp>, Partial<AskedFacts>, object, RegExp]>([
    [
      'the image',
      { image: known(digestOf('c')) },
      {},
      of('image', null, digestOf('a'), digestOf('c')),
      /^the image is sha256:c+, and sha256:a+ is to run since/,
    ],
    ['an image that is none of ours', { image: known(null) }, {}, of('image', null, digestOf('a'), null), /the image is none/],
    ['the image of another platform', { image: known(digestOf('b')) }, {}, of('image', null, digestOf('a'), digestOf('b')), /pinned for linux\/arm64\)/],
    ['a setting', { settings: known({ ...plan.expected, cpu: 9 }) }, {}, of('setting', 'cpu', String(plan.expected.cpu), '9'), /cpu is 9/],
    ['a region by hand', { settings: known({ ...plan.expected, region: 'eu' }) }, {}, of('setting', 'region', null, 'eu'), /region is eu/],
    ['no secret', { secrets: known([]) }, {}, of('secret', SECRET.name, 'attached', null), /is not attached/],
    ['a key that is gone', { secrets: known([{ ...SECRET, keys: ['B_KEY'] }]) }, {}, of('secret', SECRET.name, 'the key A_KEY', null), /lacks the key A_KEY/],
    ['a key too many', { secrets: known([{ ...SECRET, keys: ['A_KEY', 'Z'] }]) }, {}, of('secret', SECRET.name, null, 'the key Z'), /has the key Z/],
    ['old values of secrets', { secretsCurrent: known(false) }, {}, expect.objectContaining({ what: 'secret' }) as object, /secret/],
    ['what it serves', {}, { serving: known(digestOf('c')) }, of('serving', null, digestOf('a'), digestOf('c')), /healthz answers with sha256:c+/],
    ['what it serves, which is no digest', {}, { serving: known(null) }, of('serving', null, digestOf('a'), null), /healthz/],
    ['where the name leads', {}, { nameLeadsToPin: known(false) }, of('name', null, digestOf('a'), null), /leads to another image/],
  ])('by %s tells what was expected and found, since when and by whom', (_, more, asked, difference, message) => {
    const entry = judge(observed(more), asked);
    expect(entry).toMatchObject({ verdict: 'drifted', differences: [difference], since: DEPLOYED, by: 'mallory' });
    expect(entry.message).toMatch(message);
    expect(entry.message).toMatch(/since 2026-11-20T12:00:00.000Z by mallory$/);
  });

  it('is told to be, whatever else could not be told', () => {
    const entry = judge(observed({ image: known(digestOf('c')), settings: unknown }), { serving: unknown });
    expect(entry).toMatchObject({ verdict: 'drifted', unknown: [{ what: 'settings' }, { what: 'serving' }] });
  });
});

describe('an app that does not run', () => {
  it('is missing, with where it runs instead if it does', () => {
    expect(judge(gone('absent'))).toMatchObject({ verdict: 'missing', differences: [of('state', null, 'running', 'absent')] });
    const elsewhere = judge(gone('absent'), { elsewhere: known(['main'] as DeployEnvironment[]) });
    expect(elsewhere).toMatchObject({ verdict: 'missing', message: expect.stringContaining('runs in main instead') });
    expect(elsewhere.differences).toContainEqual(of('environment', null, 'staging', 'main'));
    expect(judge(gone('absent'), { elsewhere: unknown })).toMatchObject({ verdict: 'missing', unknown: [{ what: 'environment' }] });
  });

  it('is stopped, since when and by whom, and its image that is gone is no finding', () => {
    const entry = judge(gone('stopped', { stopped: { at: '2026-11-22T00:00:00.000Z', by: 'eve' } }));
    expect(entry).toMatchObject({ verdict: 'stopped', differences: [of('state', null, 'running', 'stopped')], since: '2026-11-22T00:00:00.000Z', by: 'eve' });
    expect(judge(gone('stopped'))).toMatchObject({ verdict: 'stopped', since: DEPLOYED });
  });
});

describe('an app of which something could not be told', () => {
  it.each<[string, Partial<ObservedApp>, Partial<AskedFacts>, string[]]>([
    ['its state', { state: unknown, image: unknown, settings: unknown, secrets: unknown }, {}, ['state', 'image', 'settings', 'secrets']],
    ['its image', { image: unknown }, {}, ['image']],
    ['its settings', { settings: unknown }, {}, ['settings']],
    ['its secrets', { secrets: unknown }, {}, ['secrets']],
    ['what it serves', {}, { serving: unknown }, ['serving']],
    ['its name', {}, { nameLeadsToPin: unknown }, ['name']],
  ])('is unverifiable, as %s', (_, more, asked, what) => {
    const entry = judge(observed(more), asked);
    expect(entry.verdict).toBe('unverifiable');
    expect(entry.message).toContain('nobody answered');
    expect(entry.unknown.map((each) => each.what)).toEqual(what);
  });
});

describe('a processor without a pin', () => {
  const ref = 'acme/one@2' as Ref;
  it.each<[string, ObservedApp, DriftEntry['verdict']]>([
    ['nothing runs', gone('absent'), 'in-sync'],
    ['it was stopped', gone('stopped'), 'in-sync'],
    ['something runs', observed(), 'drifted'],
    ['nobody answers', observed({ state: unknown }), 'unverifiable'],
  ])('is judged by whether anything runs: %s', (_, app, verdict) => {
    const entry = driftOfUnpinned(ref, app);
    expect(driftEntrySchema.safeParse(entry).error).toBeUndefined();
    expect(entry).toMatchObject({ verdict, pinned: null });
  });
});

describe('an app that no registry.yaml claims', () => {
  const long = `acme-${'x'.repeat(60)}`;
  it.each<[string, DeployEnvironment, boolean]>([
    ['acme-one-v1', 'staging', true],
    ['acme-gone-v12', 'staging', true],
    ['main-ann-acme-one-v1', 'dev', true],
    ['acme-one-v1', 'dev', true],
    ['main-ann-acme-one-v1', 'staging', false],
    ['shop-v2', 'staging', false],
    ['one-v1', 'staging', false],
    ['acme-one', 'staging', false],
    ['acme-one-v', 'staging', false],
    ['acme-one-v1-copy', 'staging', false],
    ['Acme-one-v1', 'staging', false],
    ['', 'staging', false],
    [appNameOf(`acme/${'x'.repeat(60)}@3` as Ref, 'staging', { branch: undefined, user: 'ann' }), 'staging', true],
    [`${'y'.repeat(APP_NAME_AT_MOST - 13)}-0123456789ab`, 'staging', false],
  ])('%s in %s is of ours: %s', (app, environment, ours) => {
    expect(hasNameOfOurs(app, environment, new Set(['acme-one', 'acme-gone', long]))).toBe(ours);
  });

  const NOW = new Date('2026-12-20T12:00:00.000Z');
  const orphans = (environment: DeployEnvironment, more: object = {}) =>
    orphansOf([observed({ app: 'acme-gone-v1', ...more }), observed({ app: 'strangers' })], {
      ...{ environment, slugs: ['acme-one'], published: known(['acme-gone']), unread: [], now: NOW },
    });

  it('is an orphan, with its age, which is never below nothing', () => {
    expect(orphans('staging')).toMatchObject([
      { verdict: 'orphan', app: 'acme-gone-v1', ref: null, message: expect.stringContaining('30 days ago by mallory') },
    ]);
    expect(orphans('dev')[0]!.message).toMatch(/^stale: /);
    const fresh = new Date(NOW.getTime() - (STALE_DAYS - 1) * 86_400_000).toISOString();
    expect(orphans('dev', { deployedAt: known(fresh) })[0]!.message).not.toMatch(/stale/);
    expect(orphans('dev', { deployedAt: known('2027-01-01T00:00:00.000Z') })[0]!.message).toContain('deployed today');
    expect(orphans('dev', { deployedAt: unknown, deployedBy: unknown })[0]!.message).toBe('no registry.yaml claims it');
  });

  it('may be claimed by a file that can not be read', () => {
    const facts = { environment: 'staging' as const, slugs: [], published: known(['acme-gone']), unread: ['a/registry.yaml'], now: NOW };
    expect(orphansOf([observed({ app: 'acme-gone-v1' })], facts)).toMatchObject([
      { verdict: 'unverifiable', message: expect.stringContaining('a/registry.yaml') },
    ]);
  });
});

describe('the report', () => {
  const entry = (verdict: DriftEntry['verdict'], app = verdict as string): DriftEntry => ({ ...driftUnknown(null, app, 'a reason'), verdict });
  const facts = (environment: DeployEnvironment) => ({
    ...{ at: DEPLOYED, lane: 'staging' as const, adapter: 'modal' as const, environment, revision: null, live: false, deep: false },
  });
  it.each<[DriftEntry['verdict'][], DeployEnvironment, string]>([
    [[], 'staging', 'in-sync'],
    [['in-sync', 'in-sync'], 'main', 'in-sync'],
    [['in-sync', 'drifted'], 'main', 'drift'],
    [['missing'], 'dev', 'drift'],
    [['stopped'], 'dev', 'drift'],
    [['in-sync', 'unverifiable'], 'main', 'unknown'],
    [['unverifiable', 'drifted'], 'main', 'drift'],
    [['orphan'], 'staging', 'drift'],
    [['orphan'], 'dev', 'in-sync'],
    [['orphan', 'unverifiable'], 'dev', 'unknown'],
  ])('on %j in %s says %s', (verdicts, environment, verdict) => {
    const report = driftReport(
      facts(environment),
      verdicts.map((each) => entry(each)),
    );
    expect(driftReportSchema.safeParse(report).error).toBeUndefined();
    expect(report.verdict).toBe(verdict);
  });

  it('has the findings first, and each group by name', () => {
    const all = [entry('in-sync', 'b'), entry('in-sync', 'a'), entry('unverifiable', 'd'), entry('missing', 'z'), entry('orphan', 'c')];
    expect(driftReport(facts('staging'), all).entries.map(({ app }) => app)).toEqual(['c', 'z', 'd', 'a', 'b']);
  });
});
