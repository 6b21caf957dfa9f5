import { describe, expect, it } from '@jest/globals';
import { pinAuditSchema, refSchema, type Digest, type ErrorCode, type PinAuditEntry, type PinFinding } from '@pinlane/contracts';
import { isVerdictOnPin, namedPins, outcomeOf, parseSpec, pinAudit, renderPinAudit } from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const finding = (code: ErrorCode, pin: PinFinding['pin'] = 'amd64'): PinFinding => ({ pin, code, message: 'm' });
const entry = (outcome: PinAuditEntry['outcome'], more: Partial<PinAuditEntry> = {}): PinAuditEntry => ({
  file: 'r.yaml',
  ref: refSchema.parse('a/b@1'),
  outcome,
  pins: {},
  findings: [],
  remarks: [],
  ...more,
});

describe('what findings make of the pins of a file', () => {
  const [bad, unseen] = [finding('ERR_MANIFEST_UNKNOWN'), finding('ERR_REGISTRY_UNAVAILABLE')];

  it.each([
    ['good, if there are pins and no findings', [], 3, 'good'],
    ['unpinned, if there is neither', [], 0, 'unpinned'],
    ['bad, if a finding is a verdict on a pin', [bad], 3, 'bad'],
    ['unknown, if a pin could not be looked at, whatever else was found', [bad, unseen, bad], 3, 'unknown'],
  ] as const)('is %s', (_, findings, pins, outcome) => {
    expect(outcomeOf(findings, pins)).toBe(outcome);
  });

  it('is a verdict on a pin only by codes that the catalogue says so of', () => {
    expect([bad, finding('ERR_PIN_LOCAL'), unseen, finding('ERR_PIN_STALE'), finding('ERR_REGISTRY_SYNTAX')].map(isVerdictOnPin)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('the pins of a spec by name', () => {
  const named = (text: string) => namedPins(parseSpec(text, { file: 'r.yaml' }).spec);

  it('are those that are written, as they are written', () => {
    const [amd64, index] = [`x.io/y@${d('1')}`, `x.io/z@${d('3')}`];
    expect(named(`ref: a/b@1\nimage: { platforms: { amd64: "${amd64}", arm64: null }, index: "${index}" }\n`)).toEqual({ amd64, index });
    for (const text of ['ref: a/b@1\n', 'ref: a/b@1\nimage: null\n', 'ref: a/b@1\nimage: { platforms: null, index: null }\n']) expect(named(text)).toEqual({});
  });
});

describe('an audit', () => {
  it.each([
    [[], 'good'],
    [['good', 'unpinned'], 'good'],
    [['good', 'bad'], 'bad'],
    [['bad', 'unknown'], 'unknown'],
  ] as const)('of files that are %j is %s', (outcomes, verdict) => {
    expect(
      pinAudit(
        'main',
        outcomes.map((outcome) => entry(outcome)),
      ).verdict,
    ).toBe(verdict);
  });

  it('counts the pins of all files and is a valid document', () => {
    const pins = { amd64: `x.io/y@${d('1')}`, index: `x.io/y@${d('3')}` };
    const audit = pinAudit('dev', [entry('good', { pins }), entry('good', { pins: { arm64: `x.io/y@${d('2')}` } })]);
    expect([audit.pins, pinAuditSchema.parse(audit)]).toEqual([3, audit]);
  });

  it('names what is not as it should be, with its pins, and counts the rest', () => {
    const pins = { amd64: `x.io/y@${d('1')}`, index: `x.io/y@${d('3')}` };
    const audit = pinAudit('main', [
      entry('good', { pins }),
      entry('bad', { file: 'bad.yaml', pins, findings: [finding('ERR_BLOB_UNKNOWN')] }),
      entry('good', { file: 'odd.yaml', pins, remarks: ['it is odd'] }),
      entry('unpinned'),
    ]);
    expect(renderPinAudit(audit).split('\n')).toEqual([
      'a/b@1  bad  (bad.yaml)',
      `  amd64  111111111111  x.io/y@${d('1')}`,
      `  index  333333333333  x.io/y@${d('3')}`,
      '  - amd64: ERR_BLOB_UNKNOWN: m',
      'a/b@1  good  (odd.yaml)',
      '  remark: it is odd',
      'not every pin is what it should be: 6 pins of 4 processors (2 good, 1 bad, 1 unpinned)',
    ]);
  });

  it('names a file that could not be read, without a ref and without a pin', () => {
    const audit = pinAudit('main', [entry('unknown', { ref: null, findings: [finding('ERR_REGISTRY_SYNTAX', null)] })]);
    expect(renderPinAudit(audit)).toBe(
      '?  unknown  (r.yaml)\n  - ERR_REGISTRY_SYNTAX: m\nnot every pin could be looked at: 0 pins of 1 processors (1 unknown)',
    );
    expect(renderPinAudit(pinAudit('main', []))).toBe('every pin is there and is what it is pinned for: 0 pins of 0 processors (none)');
  });
});
