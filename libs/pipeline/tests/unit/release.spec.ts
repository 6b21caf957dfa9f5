import { describe, expect, it } from '@jest/globals';
import type { DriftReport, PromotionEntry, Ref } from '@pinlane/contracts';
import { digestFor, EXAMPLE_NOW, inSyncEntry } from '@pinlane/testing';
import {
  BODY_AT_MOST,
  driftOfRelease,
  githubAnswer,
  LINK_AT_MOST,
  notGreen,
  RELEASE_MARK,
  releaseBody,
  releaseLink,
  releaseTitle,
  type CheckFacts,
  type GitHubRefusal,
  type ReleaseFacts,
} from '../../src/index.ts';

const [STAGING, MAIN, SOURCE] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const NOW = Date.parse(EXAMPLE_NOW);
const at = (name: string): string => `ghcr.io/acme/one@${digestFor(name)}`;
const short = (name: string): string => digestFor(name).slice(7, 19);

const ENTRY: PromotionEntry = {
  ...{ file: 'processors/one/registry.yaml', ref: 'acme/one@1' as Ref, outcome: 'promoted', findings: [], remarks: [] },
  pins: { amd64: at('new amd64'), arm64: at('new arm64'), index: at('new index') },
  pinnedBy: { commit: STAGING, source: SOURCE, run: null, by: 'history' },
  acceptedBy: {
    amd64: {
      artifact: digestFor('report'),
      startedAt: '2026-11-27T12:00:00.000Z',
      origin: { workspace: 'github.com/acme/processors', revision: STAGING, run: 'https://github.com/acme/processors/actions/runs/7' },
    },
  },
  fingerprint: { pinned: digestFor('source'), source: digestFor('source') },
};
const DRIFT: DriftReport = {
  ...{ kind: 'DriftReport', schemaVersion: 1, at: '2026-11-28T05:00:00.000Z', lane: 'staging', adapter: 'modal', environment: 'staging' },
  ...{ revision: STAGING, verdict: 'in-sync', live: false, deep: false, entries: [inSyncEntry('acme/one@1', { environment: 'staging' })] },
};
const CHECK: CheckFacts = {
  commit: SOURCE,
  name: '.github/workflows/staging-pipeline.yml',
  state: 'passed',
  said: 'success',
  url: 'https://github.com/runs/7',
};
const FACTS: ReleaseFacts = {
  staging: { branch: 'staging', commit: STAGING },
  main: { branch: 'main', commit: MAIN },
  changes: [
    {
      ...{ file: ENTRY.file, name: 'acme/one@1' },
      before: { 'image.platforms.amd64': at('old amd64'), 'image.platforms.arm64': null, 'image.index': at('old index') },
      after: { 'image.platforms.amd64': at('new amd64'), 'image.platforms.arm64': at('new arm64'), 'image.index': at('new index') },
    },
  ],
  promotion: { entries: [ENTRY] },
  apps: [
    {
      ...{ ref: 'acme/one@1' as Ref, app: 'acme-one-v1', adapter: 'modal', environment: 'main', platform: 'linux/amd64' },
      ...{ digest: at('new amd64'), before: at('old amd64') },
    },
  ],
  commits: { total: 1, shown: [{ commit: SOURCE, subject: 'one', author: 'Ann', pins: false }] },
  checks: [CHECK],
  drift: [DRIFT],
};

/** What a reader sees, roughly: references resolved and tags gone. */
const seen = (body: string): string =>
  body.replace(/<\/?(?:code|details|summary)>/g, '').replace(/&#(\d+);/g, (_, number: string) => String.fromCharCode(Number(number)));

describe('the body of a release', () => {
  const text = seen(releaseBody(FACTS));

  it.each([
    ['pins, old and new, by platform', `| acme/one@1 | linux/amd64 | ${short('old amd64')} | ${short('new amd64')} |`],
    ['a pin that is new', `| acme/one@1 | linux/arm64 | none | ${short('new arm64')} |`],
    [
      'evidence, who, when and the verdict',
      `| acme/one@1 | linux/amd64 | ${short('new amd64')} | accepted | 27 Nov 2026, 12:00 UTC | staging of github.com/acme/processors, at ${STAGING.slice(0, 12)}, https://github.com/acme/processors/actions/runs/7 |`,
    ],
    ['a digest without evidence', `| acme/one@1 | linux/arm64 | ${short('new arm64')} | none |`],
    ['what would be deployed where', `| acme/one@1 | acme-one-v1 | main on modal, linux/amd64 | ${short('new amd64')} in the place of ${short('old amd64')} |`],
    ['the pipeline', `✅ .github/workflows/staging-pipeline.yml on ${SOURCE.slice(0, 12)}: success, https://github.com/runs/7`],
    ['drift', '✅ Drift on modal, 28 Nov 2026, 05:00 UTC'],
    ['deployments', '  - acme-one-v1 is in-sync'],
    ['commits', `- ${SOURCE.slice(0, 12)} one by Ann`],
    ['what it is of', STAGING],
  ])('tells %s', (_, line) => {
    expect(text).toContain(line);
  });

  it('says what was not asked', () => {
    expect(seen(releaseBody({ ...FACTS, checks: null }))).toContain('The pipeline was not asked about, because there was no token');
  });

  it('has a title with the commit', () => {
    expect(releaseTitle(FACTS)).toBe('Promote staging → main @ aaaaaaaaaaaa');
  });

  const HOSTILE = [
    'fixes #1',
    'Closes: acme/processors#2, resolves GH-3',
    '@octocat @acme/team look',
    '| x | y |\n| --- | --- |',
    '</code></td></table><img src=x onerror=alert(1)><script>alert(1)</script>',
    '[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>',
    '```\n# Approved by everybody\n```',
    '`code` **bold** ~~gone~~ $math$',
    '\u202eetadpu\u202c \u200b\u2066x\u2069 \ufeff',
    '\r\n\r\n### Evidence\r\n- [x] reviewed',
    '\u001b[31mred\u0007 \u0000',
    'https://github.com/acme/processors/issues/1 www.evil.example a@b.example',
    `${'e'.repeat(40)} acme/processors@${'e'.repeat(40)}`,
    '<!-- pinlane release -->',
    ':shipit: ::error::x ##[command]y',
    'x'.repeat(100_000),
    '&#64;octocat &commat;octocat',
  ];

  it.each(HOSTILE.map((text) => [text.slice(0, 100), text]))('takes %j of others for text, wherever it stands', (_, text) => {
    const facts: ReleaseFacts = {
      ...FACTS,
      commits: { total: 1, shown: [{ commit: SOURCE, subject: text, author: text, pins: false }] },
      checks: [{ ...CHECK, name: text, said: text, url: text }],
      drift: [{ ...DRIFT, entries: [{ ...DRIFT.entries[0]!, app: text }] }],
      changes: [{ ...FACTS.changes[0]!, name: text }],
      promotion: { entries: [{ ...ENTRY, acceptedBy: { amd64: { ...ENTRY.acceptedBy.amd64!, origin: { workspace: text, revision: null, run: text } } } }] },
    };
    const [body, plain] = [releaseBody(facts), releaseBody(FACTS)];
    // Nothing of it begins or ends a line, and what is not in the type of code has nothing of it.
    expect(body.split('\n')).toHaveLength(plain.split('\n').length);
    const outside = body.replace(/<code>(?:[A-Za-z0-9 \u00a0-\uffff]|&#\d+;|[\ud800-\udfff])*<\/code>/gu, '');
    expect(outside.replace(RELEASE_MARK, '')).not.toMatch(/<|@(?! )|#\d|`|\]\(|https?:|evil|octocat|xxxx|\p{Cf}/u);
    expect(body).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069\u200b]/);
    expect(body.length).toBeLessThan(BODY_AT_MOST);
  });

  const many = (count: number): ReleaseFacts => ({
    ...FACTS,
    commits: {
      total: count * 2,
      shown: Array.from({ length: count }, (_, serial) => ({ commit: SOURCE, subject: `commit @${serial} `.repeat(20), author: 'Ann', pins: false })),
    },
    changes: Array.from({ length: count }, (_, serial) => ({ ...FACTS.changes[0]!, name: `acme/p${serial}@1` })),
    promotion: { entries: Array.from({ length: count }, () => ENTRY) },
    apps: Array.from({ length: count }, () => FACTS.apps[0]!),
    checks: Array.from({ length: count }, () => CHECK),
  });

  it.each([30, 100, 1000, 5000])('fits into what GitHub takes with %d of everything, and says what was left out', (count) => {
    const body = releaseBody(many(count));
    expect(body.length).toBeLessThanOrEqual(BODY_AT_MOST);
    expect(body.endsWith(RELEASE_MARK)).toBe(true);
    for (const heading of ['### Pins', '### Evidence', '### What would', '### Staging', '### Commits']) expect(body).toContain(heading);
    expect(body).toMatch(/… and \d+ more commits, left out/);
    if (count >= 1000) for (const noun of ['pins', 'digests', 'apps', 'lines']) expect(body).toMatch(new RegExp(`… and \\d+ more ${noun}, left out`));
    const listed = [...body.matchAll(/^- .*by <code>Ann/gm)].length;
    expect(body).toContain(`… and ${count * 2 - listed} more commits`);
  });

  it.each([1, 30, 1000])('is in a link that a server takes, with %d of everything', (count) => {
    const link = releaseLink('https://github.com/acme/processors', many(count), releaseTitle(FACTS));
    expect(link.length).toBeLessThanOrEqual(LINK_AT_MOST);
    const url = new URL(link);
    expect(url.pathname).toBe('/acme/processors/compare/main...staging');
    expect(url.searchParams.get('expand')).toBe('1');
    expect(url.searchParams.get('title')).toBe('Promote staging → main @ aaaaaaaaaaaa');
    expect(url.searchParams.get('body')).toContain('### Pins that change');
    expect(url.searchParams.get('body')?.endsWith(RELEASE_MARK)).toBe(true);
  });

  it('keeps odd names of branches out of the rest of a link', () => {
    const facts = { ...FACTS, staging: { branch: 'a/b?c#d&e', commit: STAGING } };
    expect(new URL(releaseLink('https://github.com/acme/p', facts, 't')).pathname).toBe('/acme/p/compare/main...a/b%3Fc%23d%26e');
  });
});

describe('staging', () => {
  const watched = [
    { commit: STAGING, pushed: false },
    { commit: SOURCE, pushed: true },
  ];
  it.each<[string, CheckFacts[], RegExp[]]>([
    ['is green', [CHECK, { ...CHECK, state: 'skipped', said: 'neutral' }], []],
    [
      'is not where a check failed',
      [CHECK, { ...CHECK, name: 'lint', state: 'failed', said: 'cancelled' }],
      [/^lint did not succeed on cccccccccccc \(cancelled, https/],
    ],
    ['is not while one runs', [{ ...CHECK, state: 'running', said: 'queued', url: null }], [/still runs on cccccccccccc \(queued\)$/]],
    ['is not where nothing ran', [], [/^no check has succeeded on cccccccccccc/]],
    ['is not where all were skipped', [{ ...CHECK, state: 'skipped', said: 'skipped' }], [/^no check has succeeded/]],
    ['is not where the pin commit alone was checked', [{ ...CHECK, commit: STAGING }], [/^no check has succeeded on cccccccccccc/]],
    ['is not where the pin commit failed', [CHECK, { ...CHECK, commit: STAGING, state: 'failed', said: 'failure' }], [/on aaaaaaaaaaaa \(failure/]],
  ])('%s', (_, checks, said) => {
    const problems = notGreen(watched, checks);
    expect(problems.map(({ code }) => code)).toEqual(said.map(() => 'ERR_RELEASE_NOT_GREEN'));
    said.forEach((pattern, index) => expect(problems[index]?.message).toMatch(pattern));
  });

  const drifted: DriftReport = { ...DRIFT, verdict: 'drift', entries: [{ ...DRIFT.entries[0]!, verdict: 'missing' }] };
  it.each<[string, DriftReport[], (string | RegExp)[]]>([
    ['is in sync', [DRIFT], []],
    ['is, whatever was before', [DRIFT, { ...drifted, at: '2026-11-28T04:00:00.000Z' }], []],
    ['is not, as the newest says', [{ ...DRIFT, at: '2026-11-28T04:00:00.000Z' }, drifted], ['ERR_RELEASE_NOT_IN_SYNC', /acme-one-v1 is missing/]],
    ['is not on one of two platforms', [DRIFT, { ...drifted, adapter: 'local' }], ['ERR_RELEASE_NOT_IN_SYNC', /on local/]],
    ['is not known', [{ ...DRIFT, verdict: 'unknown' }], ['ERR_RELEASE_UNKNOWN', /could not be told/]],
    ['is not known without a report', [], ['ERR_RELEASE_UNKNOWN', /there is none/]],
    ['is not known of another commit', [{ ...DRIFT, revision: MAIN }], ['ERR_RELEASE_UNKNOWN', /the newest is of bbbbbbbbbbbb/]],
    ['is not known from another environment', [{ ...DRIFT, environment: 'main' }], ['ERR_RELEASE_UNKNOWN', /there is none/]],
    [
      'is not known from a report of the day before',
      [{ ...DRIFT, at: '2026-11-27T06:19:59.000Z' }],
      ['ERR_RELEASE_UNKNOWN', /no report of drift of the last day/],
    ],
  ])('%s', (_, reports, [code, said]) => {
    const { problems } = driftOfRelease(reports, { commit: STAGING, now: NOW });
    expect(problems.map((problem) => problem.code)).toEqual(code === undefined ? [] : [code]);
    if (said !== undefined) expect(problems[0]?.message).toMatch(said);
  });
});

describe("a refusal of GitHub's API", () => {
  const limit = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 30) };
  it.each<[Partial<GitHubRefusal>, object]>([
    [
      { status: null, message: 'fetch failed' },
      { kind: 'again', code: 'ERR_GITHUB_UNAVAILABLE', afterMs: null },
    ],
    [{ status: 500 }, { kind: 'again', code: 'ERR_GITHUB_UNAVAILABLE' }],
    [
      { status: 403, headers: limit },
      { kind: 'again', code: 'ERR_GITHUB_RATE_LIMITED', afterMs: 30_000 },
    ],
    [
      { status: 403, headers: { ...limit, 'x-ratelimit-reset': '5' } },
      { kind: 'again', afterMs: 0 },
    ],
    [
      { status: 403, headers: { ...limit, 'x-ratelimit-reset': 'soon' } },
      { kind: 'again', afterMs: 60_000 },
    ],
    [
      { status: 403, headers: { 'retry-after': '3' } },
      { kind: 'again', afterMs: 3_000 },
    ],
    [
      { status: 429, headers: { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' } },
      { kind: 'again', afterMs: 60_000 },
    ],
    [{ status: 429 }, { kind: 'again', afterMs: 60_000 }],
    [
      { status: 403, headers: { 'x-ratelimit-remaining': '4999' } },
      { kind: 'refused', code: 'ERR_GITHUB_DENIED' },
    ],
    [{ status: 422, message: 'Validation Failed: {"message":"A pull request already exists for a:b."}' }, { kind: 'exists' }],
    [{ status: 403, message: 'GitHub Actions is not permitted to create or approve pull requests.' }, { kind: 'forbidden' }],
    [{ status: 301 }, { kind: 'refused', code: 'ERR_GITHUB_REFUSED' }],
  ])('%j', (refusal, answer) => {
    expect(githubAnswer({ status: 403, headers: {}, message: '', ...refusal }, NOW)).toMatchObject(answer);
  });
});
