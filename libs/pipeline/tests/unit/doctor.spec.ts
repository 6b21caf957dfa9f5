import { describe, expect, it } from '@jest/globals';
import { LANES, type DoctorCheck, type DoctorReport, type Lane, type ModalProofs } from '@pinlane/contracts';
import { doctorVerdict, laneNeeds, renderDoctor, type LaneNeeds, type NeedFacts } from '../../src/index.ts';

const spec = (adapter?: 'local' | 'modal') => ({ deploy: adapter === undefined ? {} : { adapter } }) as NeedFacts['specs'][number];
const needsOf = (lane: Lane, facts: Partial<NeedFacts> = {}): LaneNeeds =>
  laneNeeds({ lane, adapter: undefined, engine: 'auto', specs: [spec()], dockerOnly: [], assembles: true, ...facts });
const needed = (needs: LaneNeeds): string[] =>
  (['engine', 'docker', 'base', 'runtime', 'push', 'pull', 'modal'] as const).filter((name) => needs[name] !== null);

describe('What a lane needs', () => {
  it.each([
    ['local', ['engine', 'base', 'runtime']],
    ['pr', ['engine', 'base', 'runtime']],
    ['dev', ['runtime', 'pull']],
    ['staging', ['engine', 'base', 'runtime', 'push', 'modal']],
    ['main', ['runtime', 'pull', 'modal']],
  ] as const)('follows from the table of lanes: %s', (lane, names) => {
    expect(needed(needsOf(lane))).toEqual(names);
  });

  it.each([
    ['staging', undefined, [spec('local')], []],
    ['staging', undefined, [spec('local'), spec('modal')], ['modal']],
    ['staging', undefined, [spec('local'), spec()], ['modal']],
    ['staging', 'local', [spec('modal')], []],
    ['main', 'modal', [spec('local')], ['modal']],
    ['local', undefined, [spec('modal')], []],
    ['local', 'modal', [spec()], ['modal']],
    ['pr', 'modal', [spec('modal')], []],
  ] as const)('has Modal in it only if the lane deploys there: %s, --adapter=%s', (lane, adapter, specs, names) => {
    expect(needed(needsOf(lane, { adapter, specs })).filter((name) => name === 'modal')).toEqual(names);
  });

  it.each([
    ['auto', [], false],
    ['auto', ['processors/a/Dockerfile'], true],
    ['docker', [], true],
    ['embedded', ['processors/a/Dockerfile'], false],
  ] as const)('has Docker in it if it builds by it: engine %s, only by Docker %j', (engine, dockerOnly, is) => {
    expect(needsOf('local', { engine, dockerOnly }).docker !== null).toBe(is);
    expect(needsOf('main', { engine, dockerOnly }).docker).toBeNull();
  });

  it('is nothing but the machine in a workspace without processors', () => {
    for (const lane of LANES) expect(needed(needsOf(lane, { specs: [] })).filter((name) => name !== 'pull')).toEqual([]);
  });
});

const check = (state: DoctorCheck['state'], isNeeded: boolean, more: Partial<DoctorCheck> = {}): DoctorCheck => ({
  ...{
    group: 'machine',
    name: `${state} ${isNeeded}`,
    state,
    needed: isNeeded,
    purpose: 'it is good',
    message: 'seen',
    fix: state === 'ok' ? null : 'mend it',
  },
  ...more,
});
const proofs = (outcome: 'proven' | 'disproven' | 'unknown', left: string[] = []): ModalProofs => ({
  ...{ environment: 'dev', ref: 'acme/echo@1', left },
  proofs: [{ claim: 'long-names', says: 'names are long', outcome, message: 'seen' }],
});

describe('The verdict', () => {
  it.each([
    [[], null, 'good'],
    [[check('ok', true), check('missing', false), check('unknown', false)], null, 'good'],
    [[check('missing', true)], null, 'lacking'],
    [[check('unknown', true)], null, 'unknown'],
    [[check('unknown', true), check('missing', true)], null, 'lacking'],
    [[check('ok', true)], proofs('proven'), 'good'],
    [[check('ok', true)], proofs('disproven'), 'lacking'],
    [[check('ok', true)], proofs('unknown'), 'unknown'],
    [[check('ok', true)], proofs('proven', ['pinlane-doctor-1']), 'unknown'],
  ] as const)('hangs on what is needed and what was proven: %#', (checks, modal, verdict) => {
    expect(doctorVerdict(checks, modal)).toBe(verdict);
  });
});

describe('The report for people', () => {
  const report: DoctorReport = {
    ...{ kind: 'DoctorReport', schemaVersion: 1, at: '2026-11-28T12:00:00.000Z', lane: 'staging', environment: 'staging', adapters: ['modal'] },
    ...{ verdict: 'lacking', versions: { node: '24.0.0', nx: null, pinlane: '1.0.0' }, proxies: ['HTTPS_PROXY'], variables: [] },
    machine: { os: 'linux', release: '6', distribution: null, architecture: 'x64', cpus: 2, memoryBytes: 1, root: false, ci: false },
    settings: [{ name: 'engine', value: 'docker', from: 'PINLANE_ENGINE' }],
    checks: [
      check('ok', true),
      check('missing', true, { name: 'Docker', message: 'it said \u001b[31mno\nreally' }),
      check('unknown', false, { name: 'late', group: 'workspace', file: 'processors/a/registry.yaml', line: 3, column: 7 }),
    ],
    modal: proofs('disproven', ['pinlane-doctor-1']),
  };

  it('has a line for each thing, its place, and the remedy of each that is not there', () => {
    const text = renderDoctor(report).join('\n');
    for (const line of [
      /^ {2}ok {8}ok true +seen$/m,
      /^ {2}MISSING {3}Docker +it said \\x1b\[31mno\\nreally$/m,
      /^ +needed: it is good$/m,
      /^ +fix: mend it$/m,
    ])
      expect(text).toMatch(line);
    expect(text).toMatch(/^ {2}unknown {3}late +processors\/a\/registry\.yaml:3:7: seen$/m);
    expect(text).toMatch(/^ +without it: it is good$/m);
    expect(text).toMatch(/^ {2}DISPROVEN long-names +names are long$/m);
    expect(text).toContain('LEFT      pinlane-doctor-1');
    expect(text.split('\n').at(-1)).toBe('lane staging lacks Docker (1 ok, 1 optional lacking)');
  });
});
