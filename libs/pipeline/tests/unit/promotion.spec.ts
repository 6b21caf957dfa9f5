import { describe, expect, it } from '@jest/globals';
import type { Digest, EvidenceFound } from '@pinlane/contracts';
import { acceptedInStaging, promotionOutcome, readPinCommit, workspaceName, type CommitFacts } from '../../src/index.ts';

const SOURCE = 'a'.repeat(40);
const pin = (digit: string) => `ghcr.io/acme/one@sha256:${digit.repeat(64)}`;
const text = (digit: string, more = ''): string =>
  `ref: acme/one@1\nimage:\n  platforms:\n    amd64: ${pin(digit)}\n    arm64: ${pin('e')}\n  index: ${pin(digit)}\n  source: { fingerprint: sha256:${digit.repeat(64)}, revision: ${SOURCE} }\n${more}`;
const FILE = { path: 'processors/one/registry.yaml', sameMode: true, before: text('1'), after: text('2') };
const COMMIT: CommitFacts = {
  message: `ci(staging): pin\n\nacme/one@1\n\nPinlane-Source: ${SOURCE}\nPinlane-Run: r\n`,
  parents: 1,
  changed: [FILE],
  comesAfterSource: true,
};

describe('a pin commit', () => {
  it('is read with its trailers and what it pinned', () => {
    expect(readPinCommit(COMMIT)).toMatchObject({ source: SOURCE, run: 'r', files: [{ ref: 'acme/one@1', pins: { 'image.index': pin('2') } }] });
    const base = { path: 'libs/base/base.yaml', sameMode: true, before: 'packages: [a]\n', after: `packages: [a]\npublished: ${pin('3')}\n` };
    expect(readPinCommit({ ...COMMIT, changed: [FILE, base] })).toMatchObject({ files: [{ ref: 'acme/one@1' }, { ref: null }] });
  });

  it.each<[string, Partial<CommitFacts>, RegExp]>([
    ['lost its trailers', { message: 'ci(staging): pin processor images\n' }, /no trailer/],
    ['has them in its text alone', { message: `pin\n\nPinlane-Source: ${SOURCE}\n\nmore\n` }, /no trailer/],
    ['names no commit', { message: 'pin\n\nPinlane-Source: main\n' }, /no trailer/],
    ['is a merge', { parents: 2 }, /2 parents/],
    ['is the first', { parents: 0 }, /0 parents/],
    ['does not follow its source', { comesAfterSource: false }, /does not come before/],
    ['changes nothing', { changed: [] }, /changes nothing/],
    ['changes another file', { changed: [FILE, { ...FILE, path: 'processors/one/src/main.ts' }] }, /more than pins: processors\/one\/src\/main.ts/],
    ['changes a file of a like name', { changed: [{ ...FILE, path: 'processors/one/old-registry.yaml' }] }, /more than pins/],
    ['adds the file', { changed: [{ ...FILE, before: null }] }, /more than pins/],
    ['removes the file', { changed: [{ ...FILE, after: null }] }, /more than pins/],
    ['changes its mode', { changed: [{ ...FILE, sameMode: false }] }, /more than pins/],
    ['changes another value', { changed: [{ ...FILE, after: text('2', 'runtime: { cpu: 9 }\n') }] }, /more than pins/],
    ['changes a comment', { changed: [{ ...FILE, after: text('2', '# all is well\n') }] }, /more than pins/],
    ['changes the ref', { changed: [{ ...FILE, after: text('2').replace('acme/one@1', 'acme/one@2') }] }, /more than pins/],
    ['can not be read', { changed: [{ ...FILE, after: 'ref: [' }] }, /can't be read/],
  ])('is none if it %s', (_, more, reason) => {
    expect(readPinCommit({ ...COMMIT, ...more })).toEqual({ reason: expect.stringMatching(reason) });
  });
});

describe('the name of a workspace', () => {
  it.each([
    ['https://github.com/Acme/Processors', 'github.com/acme/processors'],
    ['https://github.com/acme/processors.git', 'github.com/acme/processors'],
    ['https://x-access-token:ghs_secret@github.com/acme/processors.git/', 'github.com/acme/processors'],
    ['git@github.com:acme/processors.git', 'github.com/acme/processors'],
    ['github.com:acme/processors', 'github.com/acme/processors'],
    ['ssh://git@github.com:22/acme/processors.git', 'github.com/acme/processors'],
    ['git://host.example/a/b/c', 'host.example/a/b/c'],
  ])('of %s is %s', (url, name) => {
    expect(workspaceName(url)).toBe(name);
  });

  it('of a folder is a hash, the same by path and by address, and tells no path', () => {
    const name = workspaceName('/srv/somebody/remote.git');
    expect(name).toMatch(/^folder:[0-9a-f]{16}$/);
    expect(workspaceName('file:///srv/somebody/remote.git')).toBe(name);
    expect(workspaceName('/srv/somebody/other.git')).not.toBe(name);
  });

  it.each(['', ' ', 'https://', 'https://host', 'ext::sh -c x', `https://h/${'a'.repeat(500)}`])('is none of %j', (url) => {
    expect(workspaceName(url)).toBeNull();
  });
});

describe('evidence of staging', () => {
  const digest = `sha256:${'1'.repeat(64)}` as Digest;
  const isolation = { runtime: 'docker', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' } as const;
  const origin = { workspace: 'github.com/acme/p', revision: SOURCE, run: null };
  const found = (...more: Partial<EvidenceFound['found'][number]>[]): EvidenceFound => ({
    found: more.map((each) => ({ artifact: digest, lane: 'staging' as const, startedAt: '2026-01-01T00:00:00Z', passed: 1, isolation, origin, ...each })),
    ignored: [],
  });
  const ask = (evidence: EvidenceFound, where: 'in' | 'out' | 'unknown' = 'in', workspace: string | null = 'github.com/acme/p') =>
    acceptedInStaging(evidence, { pin: 'amd64', digest, platform: 'linux/amd64' }, { workspace, whereIs: () => where });

  it('is the newest that fits, whatever else is attached', () => {
    const forged = { origin: { ...origin, workspace: 'github.com/evil/p' } };
    expect(ask(found(forged, { lane: 'local' }, { startedAt: '2026-02-02T00:00:00Z' }, {}))).toMatchObject({
      accepted: { startedAt: '2026-02-02T00:00:00Z', origin },
    });
  });

  it.each<[string, ReturnType<typeof ask>, string]>([
    ['there is none', ask(found()), 'ERR_EVIDENCE_MISSING'],
    ['it is of another lane', ask(found({ lane: 'main' })), 'ERR_EVIDENCE_MISSING'],
    ['its commit is not in the history of staging', ask(found({}), 'out'), 'ERR_EVIDENCE_MISSING'],
    ['this clone may lack its commit', ask(found({}), 'unknown'), 'ERR_PROMOTION_UNKNOWN'],
    ['this workspace has no name', ask(found({}), 'in', null), 'ERR_PROMOTION_UNKNOWN'],
  ])('is none where %s', (_, judged, code) => {
    expect(judged).toMatchObject({ doubt: { code, pin: 'amd64' } });
  });

  it('makes a pin promoted only if there is no doubt, and unknown rather than refused', () => {
    const outcome = (...codes: ('ERR_EVIDENCE_MISSING' | 'ERR_PIN_UNVERIFIED' | 'ERR_REGISTRY_UNAVAILABLE')[]) =>
      promotionOutcome(
        codes.map((code) => ({ code })),
        3,
      );
    expect([outcome(), outcome('ERR_EVIDENCE_MISSING'), outcome('ERR_PIN_UNVERIFIED'), outcome('ERR_EVIDENCE_MISSING', 'ERR_REGISTRY_UNAVAILABLE')]).toEqual([
      'promoted',
      'refused',
      'refused',
      'unknown',
    ]);
    expect(promotionOutcome([], 0)).toBe('unpinned');
  });
});
