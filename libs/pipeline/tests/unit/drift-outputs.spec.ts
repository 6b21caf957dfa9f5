import { describe, expect, it } from '@jest/globals';
import { DRIFT_VERDICTS, driftReportSchema, type DriftEntry, type DriftReport } from '@pinlane/contracts';
import {
  digestFor,
  driftedEntry,
  driftReportOf,
  EXAMPLE_NOW,
  exampleDriftReports,
  inSyncEntry,
  largeDriftReports,
  missingEntry,
  orphanEntry,
  stoppedEntry,
  unverifiableEntry,
} from '@pinlane/testing';
import { driftOverview } from '../../src/report/drift-overview.ts';
import { tiersOf } from '../../src/report/drift-page/tiers.ts';
import { messageOf } from '../../src/report/message.ts';
import { renderDriftPage, renderDriftSummary, renderDriftTable } from '../../src/index.ts';
import { ageOf, momentOf } from '../../src/report/time.ts';

const now = new Date(EXAMPLE_NOW);
const environment = 'staging' as const;
const all = (): DriftEntry[] => [
  inSyncEntry('llm/litellm@1', { environment, live: true }),
  driftedEntry('llm/router@2', { environment, live: true }),
  missingEntry('docs/ocr@1', { environment }),
  stoppedEntry('image/upscale@2', { environment }),
  unverifiableEntry('search/rerank@1', { environment }),
  orphanEntry('old-llm-v1', { environment }),
];
const hostile = 'a|b`c` <img src=x onerror=alert(1)> [x](javascript:alert(1)) **b** @team #1 https://evil.example\n# head\u202e\u001b[31m';

describe('the example reports', () => {
  it.each([...exampleDriftReports(), ...largeDriftReports(8)].map((report) => [`${report.environment} at ${report.at}`, report] as const))(
    'are reports: %s',
    (_, report) => {
      expect(driftReportSchema.safeParse(report).error?.message).toBeUndefined();
    },
  );
  it('have an app for each verdict', () => {
    const { counts } = driftOverview(exampleDriftReports());
    expect(Object.values(counts).every((count) => count > 0)).toBe(true);
    expect(Object.keys(counts).toSorted()).toEqual([...DRIFT_VERDICTS].toSorted());
  });
});

describe('the table of drift', () => {
  const short = (name: string): string => digestFor(name).slice(7, 19);

  it('has a line for each app with what is pinned, configured and serving, below it what is wrong, and the counts at the end', () => {
    const lines = renderDriftTable(driftReportOf(environment, all(), { live: true }));
    expect(lines[0]).toMatch(/^app +verdict +pinned +configured +serving +since +by$/);
    const [pinned, found] = [short('llm/router@2 now'), short('llm/router@2 by hand')];
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^llm-router-v2 +drifted +${pinned} +${found} +${found} +2026-11-28T03:20:00.000Z +mallory$`)),
    );
    expect(lines[lines.findIndex((line) => line.startsWith('llm-router-v2')) + 1]).toMatch(/^ {4}the image is .* registry.yaml says 8$/);
    expect(lines).toContainEqual(expect.stringMatching(/^search-rerank-v1 +unverifiable +\S+ +\? +- /));
    expect(lines).toContainEqual(expect.stringMatching(/^docs-ocr-v1 +missing +\S+ +none +- +- +-$/));
    expect(lines.at(-1)).toBe('staging on modal, lane staging, apps were asked: 1 in-sync, 1 unverifiable, 1 orphan, 1 stopped, 1 missing, 1 drifted');
  });

  it('aligns its columns, and says nothing below what is in sync', () => {
    const lines = renderDriftTable(driftReportOf(environment, [all()[0]!, inSyncEntry('a/b@1', { environment })]));
    expect(lines).toHaveLength(4);
    expect(new Set(lines.slice(0, 3).map((line) => line.search(/verdict|in-sync/))).size).toBe(1);
  });

  it('says of no app that nothing should run', () => {
    expect(renderDriftTable(driftReportOf('dev', []))).toEqual(['dev on modal, lane dev: nothing should run, and nothing does']);
  });

  it('has each app on a line of its own, whatever its name does to a terminal', () => {
    const entry = { ...driftedEntry('a/b@1', { environment }), app: hostile, by: hostile, message: hostile };
    const lines = renderDriftTable(driftReportOf(environment, [entry]));
    expect(lines).toHaveLength(4);

    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

describe('the summary for GitHub', () => {
  it('tells the counts and each app that is not in sync, worst first, and folds the rest', () => {
    const text = renderDriftSummary(driftReportOf(environment, all(), { live: true }));
    expect(text).toMatch(/^### 🔺 What runs is not what is pinned: staging\n/);
    expect(text).toContain('**1 in-sync, 1 unverifiable, 1 orphan, 1 stopped, 1 missing, 1 drifted** on modal');
    const verdicts = [...text.matchAll(/^\| \S+ (\w+) \|/gmu)].map(([, word]) => word);
    expect(verdicts).toEqual(['Drifted', 'Missing', 'Stopped', 'Orphan', 'Unverifiable']);
    const found = `<code>${digestFor('llm/router@2 by hand').slice(7, 19)}</code>`;
    expect(text).toContain(`| ${found} | ${found} | 28 Nov 2026, 03:20 UTC by <code>mallory</code> |`);
    expect(text).toContain('<details><summary>1 in sync</summary>');
    expect(text).toContain('<code>llm&#45;litellm&#45;v1</code>');
  });

  it.each([
    ['in-sync', [all()[0]!], '### 🟢 What is pinned is what runs: staging'],
    ['unknown', [unverifiableEntry('a/b@1', { environment })], '### ❔ What runs could not be told: staging'],
  ])('has the verdict %s in its headline', (_, entries, headline) => {
    expect(renderDriftSummary(driftReportOf(environment, entries)).split('\n')[0]).toBe(headline);
  });

  it('takes names, messages and people for text alone', () => {
    const entry = { ...driftedEntry('a/b@1', { environment }), app: hostile, by: hostile, message: hostile };
    const text = renderDriftSummary(driftReportOf(environment, [entry, { ...all()[0]!, app: hostile }]));
    const row = text.split('\n').find((line) => line.startsWith('| 🔺'))!;
    expect(row.split('|')).toHaveLength(9);
    expect(text.match(/<\/?[a-z]+>/g)?.every((tag) => /^<\/?(code|details|summary)>$/.test(tag))).toBe(true);
    for (const special of ['`', '[', '](', '@team', 'https:', '<img', '\u202e', '\u001b']) expect(text).not.toContain(special);
  });

  it('stays below the mebibyte of a step, however long names are, and counts what it leaves out', () => {
    const long = '<'.repeat(5000);
    const many = Array.from({ length: 3000 }, (_, at) => ({ ...(at % 2 ? driftedEntry : inSyncEntry)('a/b@1', { environment }), app: long, message: long }));
    const text = renderDriftSummary(driftReportOf(environment, many));
    expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
    expect(text.match(/… and \d+ more: they are in the report/g)).toHaveLength(2);
  });
});

describe('reports side by side', () => {
  const at = (hours: number, ...entries: DriftEntry[]): DriftReport => driftReportOf(environment, entries, { hours });
  const app = { environment, hours: 100 };

  it('takes the newest of each environment for its state, in whatever order they come', () => {
    const reports = exampleDriftReports();
    const { environments } = driftOverview(reports.toReversed());
    expect(environments.map(({ environment: name, at: when }) => [name, when])).toEqual([
      ['dev', '2026-11-27T00:20:00.000Z'],
      ['staging', '2026-11-28T06:08:00.000Z'],
      ['main', '2026-11-28T06:11:00.000Z'],
    ]);
    expect(environments.map(({ reports: told }) => told.length)).toEqual([8, 8, 8]);
  });

  it('puts reports that tell the same into one stretch, and ends it where the verdict, image or version changes', () => {
    const version = 13;
    const reports = [
      at(50, inSyncEntry('a/b@1', app)),
      at(40, inSyncEntry('a/b@1', app)),
      at(30, driftedEntry('a/b@1', app)),
      at(20, inSyncEntry('a/b@1', { ...app, version })),
    ];
    const [row] = driftOverview(reports).rows;
    expect(row!.cells[0]!.history.map(({ verdict, reports: count, version: told }) => [verdict, count, told])).toEqual([
      ['in-sync', 1, 13],
      ['drifted', 1, 12],
      ['in-sync', 2, 12],
    ]);
    expect(row!.cells[0]!.history[2]).toMatchObject({ from: '2026-11-26T04:20:00.000Z', to: '2026-11-26T14:20:00.000Z' });
  });

  it('knows a processor by its ref in every environment, whatever its apps are called, and an orphan by its name', () => {
    const dev = driftReportOf('dev', [inSyncEntry('a/b@1', { environment: 'dev' }), orphanEntry('x', { environment: 'dev' })]);
    const { rows } = driftOverview([dev, at(1, driftedEntry('a/b@1', app))]);
    expect(rows.map(({ name, claimed, cells }) => [name, claimed, cells.map((cell) => cell?.entry.app ?? null)])).toEqual([
      ['a/b@1', true, ['topic-ann-a-b-v1', 'a-b-v1']],
      ['x', false, ['x', null]],
    ]);
  });

  it('keeps apart what two hosting platforms tell of one environment', () => {
    const local = { ...at(1, missingEntry('a/b@1', app)), adapter: 'local' as const };
    const { environments, rows } = driftOverview([at(2, inSyncEntry('a/b@1', app)), local]);
    expect(environments.map(({ adapter }) => adapter)).toEqual(['local', 'modal']);
    expect(rows[0]!.cells.map((cell) => cell!.history.length)).toEqual([1, 1]);
  });

  it('loses no app of a report that tells of one ref twice', () => {
    const { rows, counts } = driftOverview([at(1, inSyncEntry('a/b@1', app), driftedEntry('a/b@1', app))]);
    expect(rows).toHaveLength(2);
    expect(counts).toMatchObject({ 'in-sync': 1, drifted: 1 });
  });
});

describe('a cell of the page', () => {
  it('keeps the tiers apart, each known or not', () => {
    expect(tiersOf(unverifiableEntry('a/b@1', { environment })).map(({ name, value }) => [name, Object.keys(value)[0]])).toEqual([
      ['pinned', 'digest'],
      ['configured', 'unknown'],
      ['serving', 'none'],
    ]);
  });
  it.each([
    ['it was stopped since 2026-11-27T10:20:00.000Z by ann', 'it was stopped'],
    ['since nobody knows when', 'since nobody knows when'],
  ])('does not repeat since when: %s', (message, told) => {
    expect(messageOf({ message, since: '2026-11-27T10:20:00.000Z', by: 'ann' })).toBe(told);
  });
});

describe('time', () => {
  it.each([
    ['2026-11-28T06:19:30.000Z', 'now'],
    ['2026-11-28T06:15:00.000Z', '5 min'],
    ['2026-11-27T06:20:00.000Z', '24 h'],
    ['2026-11-20T06:20:00.000Z', '8 d'],
    ['2025-11-20T06:20:00.000Z', '12 mo'],
    // A clock that is an hour ahead.
    ['2026-11-28T07:20:00.000Z', null],
    ['no time', null],
  ])('%s is %s ago', (then, age) => {
    expect(ageOf(then, EXAMPLE_NOW)).toBe(age);
  });
  it('reads the same on every machine', () => {
    expect(momentOf('2026-01-02T03:04:05.000Z')).toBe('2 Jan 2026, 03:04 UTC');
  });
});

describe('the page of drift', () => {
  it('says in one line what is wrong, and never that doubt is drift', () => {
    const title = (entries: readonly DriftEntry[]): string =>
      /<h1>([^<]*)<\/h1>/.exec(renderDriftPage({ reports: [driftReportOf(environment, entries)], now }))![1]!;
    expect(title(all())).toBe('4 apps are not as pinned, 1 could not be told');
    expect(title([unverifiableEntry('a/b@1', { environment })])).toBe('1 could not be told');
    expect(title([all()[0]!])).toBe('What is pinned is what runs');
    expect(title([])).toBe('Nothing should run, and nothing does');
  });
  it('is there before the first report', () => {
    expect(renderDriftPage({ reports: [], now })).toContain('<h1>There is no report yet</h1>');
  });
  it('is the same for the same reports and moment', () => {
    expect(renderDriftPage({ reports: exampleDriftReports(), now })).toBe(renderDriftPage({ reports: exampleDriftReports(), now }));
  });
  it('allows no network, and no style or script but its own', () => {
    const page = renderDriftPage({ reports: exampleDriftReports(), now });
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll('&#39;', "'");
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/);
    expect(page).not.toMatch(/ style="| on[a-z]+="|<link|<img|src="|url\(|@import/);
  });
});
