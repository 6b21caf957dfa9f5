import { describe, expect, it } from '@jest/globals';
import { LANES, refSchema, type AcceptanceReport, type Digest } from '@pinlane/contracts';
import { evidenceText, looksForEvidence, parseEvidence, renderEvidence, saysTheSame, whyNoEvidence } from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const REPORT: AcceptanceReport = {
  kind: 'AcceptanceReport',
  schemaVersion: 1,
  ref: refSchema.parse('a/b@1'),
  image: `ghcr.io/a/b@${d('1')}`,
  digest: d('1'),
  platform: 'linux/amd64',
  lane: 'staging',
  pinned: true,
  isolation: { runtime: 'docker', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' },
  verdict: 'accepted',
  checks: [
    { rule: 'healthz.ok', title: 't', outcome: 'passed', message: '', durationMs: 1 },
    { rule: 'run.real', title: 't', outcome: 'skipped', message: 'no secret', durationMs: 0 },
  ],
  startedAt: '2026-01-01T00:00:00Z',
  durationMs: 5,
  healthyAfterMs: 1,
  log: null,
};
const { ref, digest, platform, checks } = REPORT;
const subject = { ref, digest, platform };
const [passed] = checks as [AcceptanceReport['checks'][number]];

describe('a report', () => {
  it('is evidence for the image that it is about, if every check passed or was skipped', () => {
    expect(whyNoEvidence(REPORT, subject)).toBeNull();
  });

  it.each<[string, Partial<AcceptanceReport>, RegExp]>([
    ['is about another digest', { digest: d('2') }, /^it is about 222222222222$/],
    ['names another image than its digest', { image: `ghcr.io/a/b@${d('2')}` }, /^it is about/],
    ['is about another processor', { ref: refSchema.parse('a/c@1') }, /^it is about a\/c@1 for linux\/amd64$/],
    ['is about another platform', { platform: 'linux/arm64' }, /^it is about a\/b@1 for linux\/arm64$/],
    ['is about an image that was not pinned', { pinned: false }, /not pinned/],
    ['rejects the image', { verdict: 'rejected' }, /its verdict/],
    ['calls accepted what failed', { checks: [passed, { ...passed, rule: 'logs.json', outcome: 'failed' }] }, /it calls accepted what failed logs\.json$/],
    ['checked nothing', { checks: [] }, /nothing was checked/],
    ['skipped everything', { checks: [{ ...passed, outcome: 'skipped' }] }, /nothing was checked/],
    ['was written without isolation', { isolation: { ...REPORT.isolation, runtime: 'host' } }, /the network was not blocked/],
    ['did not block the network', { isolation: { ...REPORT.isolation, network: 'open' } }, /the network was not blocked/],
  ])('is no evidence if it %s', (_, more, reason) => {
    expect(whyNoEvidence({ ...REPORT, ...more }, subject)).toMatch(reason);
  });

  it('is attached without the evidence that was found, and read back strictly', () => {
    const evidence = { found: [], ignored: [] };
    expect(parseEvidence(evidenceText({ ...REPORT, evidence }))).toEqual({ report: REPORT });
    for (const text of ['', '{', 'null', '[]', '{"kind":"AcceptanceReport"}', JSON.stringify({ ...REPORT, evidence }), JSON.stringify({ ...REPORT, more: 1 })])
      expect([text, Object.keys(parseEvidence(text))]).toEqual([text, ['reason']]);
  });

  it('says the same as another with the same outcomes, whatever the order and the times', () => {
    const later = { ...REPORT, startedAt: '2026-02-02T00:00:00Z', durationMs: 9, healthyAfterMs: 7 };
    expect(saysTheSame(REPORT, { ...later, checks: checks.map((check) => ({ ...check, durationMs: 9, message: 'm' })).reverse() })).toBe(true);
    expect(saysTheSame(REPORT, { ...later, lane: 'main' })).toBe(false);
    expect(saysTheSame(REPORT, { ...later, checks: [passed] })).toBe(false);
    expect(saysTheSame(REPORT, { ...later, checks: checks.map((check) => ({ ...check, outcome: 'passed' as const })) })).toBe(false);
    expect(saysTheSame(REPORT, { ...later, isolation: { ...REPORT.isolation, runtime: 'unshare' } })).toBe(false);
  });
});

describe('evidence', () => {
  it('is looked for by the lanes that test what another lane accepted', () => {
    expect(LANES.filter(looksForEvidence)).toEqual(['dev', 'main']);
  });

  it('is shown with its lane and time, and what is none with the reason', () => {
    const { isolation, lane, startedAt } = REPORT;
    expect(renderEvidence({ found: [{ artifact: d('a'), lane, startedAt, passed: 3, isolation }], ignored: [{ artifact: d('b'), reason: 'r' }] })).toEqual([
      '  evidence: accepted in staging at 2026-01-01T00:00:00Z, 3 checks passed in docker, network blocked (aaaaaaaaaaaa)',
      '  evidence ignored: bbbbbbbbbbbb: r',
    ]);
    expect(renderEvidence({ found: [], ignored: [{ artifact: null, reason: 'r' }] })).toEqual([
      '  evidence: none is attached to this digest',
      '  evidence ignored: r',
    ]);
  });
});
