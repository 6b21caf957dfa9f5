import { describe, expect, it } from '@jest/globals';
import { acceptanceReportSchema, parsePinnedReference, type Check } from '@pinlane/contracts';
import { acceptanceReport, junitXml, summaryText, verdictOf } from '../../src/index.ts';
import { fitsPattern } from '../../src/rules/fits-pattern.ts';
import { invalidParams } from '../../src/rules/invalid-params.ts';
import { BLOCKED, DIGEST, SPEC } from '../support/subject.ts';

const check = (rule: string, outcome: Check['outcome'], message = ''): Check => ({ rule, title: `The rule ${rule} holds`, outcome, message, durationMs: 12 });

const reportOf = (checks: readonly Check[]) =>
  acceptanceReport(
    {
      ref: SPEC.ref,
      image: parsePinnedReference(`store.localhost/test-reference@${DIGEST}`),
      digest: DIGEST,
      platform: 'linux/amd64',
      lane: 'local',
      pinned: false,
      isolation: BLOCKED,
      startedAt: new Date('2026-01-02T03:04:05Z'),
      durationMs: 1234,
      healthyAfterMs: 100,
      log: checks.some(({ outcome }) => outcome === 'failed') ? '.pinlane/reports/x.log' : null,
    },
    checks,
  );

describe('a verdict', () => {
  it.each<[string, readonly Check[], string]>([
    ['all passed', [check('a', 'passed')], 'accepted'],
    ['some were skipped', [check('a', 'passed'), check('b', 'skipped')], 'accepted'],
    ['one failed', [check('a', 'passed'), check('b', 'failed')], 'rejected'],
    ['nothing was checked', [], 'rejected'],
    ['everything was skipped', [check('a', 'skipped')], 'rejected'],
  ])('where %s', (_, checks, verdict) => expect(verdictOf(checks)).toBe(verdict));
});

describe('a report', () => {
  it('fits its schema', () => {
    expect(acceptanceReportSchema.parse(reportOf([check('a', 'passed')]))).toMatchObject({ verdict: 'accepted', startedAt: '2026-01-02T03:04:05.000Z' });
  });

  it('is short for a person where all is well, and names what failed first where not', () => {
    expect(summaryText(reportOf([check('a', 'passed')]))).toBe(
      [
        'accepted test/reference@1 linux/amd64 111111111111: 1 passed, 0 failed, 0 skipped in 1.2 s',
        '  ran in bubblewrap, network blocked, root read-only, no limits; healthy after 100 ms',
      ].join('\n'),
    );
    expect(
      summaryText(
        reportOf([check('run.x', 'skipped', 'no reason'), check('run.y', 'skipped', 'no reason'), check('healthz.ok', 'failed', 'expected 200,\ngot 500')]),
      ),
    ).toMatch(
      /^rejected [^]*failed:\n {2}healthz\.ok {2}expected 200,\n {14}got 500\n\nskipped:\n {2}run\.x, run\.y: no reason\n\nlog: \.pinlane\/reports\/x\.log$/,
    );
  });

  it('is JUnit XML with one test case a check, whatever the messages hold', () => {
    const xml = junitXml(reportOf([check('a', 'passed'), check('b', 'failed', '<&>"\'\u0000\u001b[31m\n]]>\ud800'), check('c', 'skipped', 'why')]));
    expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1"');
    expect(xml).toContain('<failure message="&#60;&#38;&#62;&#34;&#39;\ufffd\ufffd[31m&#10;]]&#62;\ufffd"/>');
    expect(xml).toContain('<skipped message="why"/>');
    expect(xml.match(/<testcase /g)).toHaveLength(3);

    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  });
});

describe('the pattern of an output', () => {
  it.each([
    ['text/*.txt', 'text/a.txt', true],
    ['text/*.txt', 'text/.txt', true],
    ['text/*.txt', 'text/a/b.txt', false],
    ['a.b', 'axb', false],
    ['*', 'a/b', false],
    ['x-*-*', 'x-1-2', true],
  ])('%s and %s: %s', (pattern, path, fits) => expect(fitsPattern(pattern, path)).toBe(fits));
});

describe('params that a schema refuses', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a required property', { type: 'object', required: ['a'] }, { a: 1 }],
    ['a type', { type: 'object', properties: { a: { type: 'string' } } }, { a: 'x' }],
    ['no more properties', { type: 'object', additionalProperties: false, properties: { a: {} } }, { a: 1 }],
    ['a default that hides what is missing', { type: 'object', required: ['a'], properties: { a: { type: 'integer', default: 3 } } }, { a: 1 }],
    ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', required: ['a'] }, { a: 1 }],
  ])('are found for %s', (_, schema, valid) => expect(invalidParams(schema, valid)).toBeDefined());

  it('are not made up for a schema that takes everything', () => expect(invalidParams({}, { a: 1 })).toBeUndefined());
});
