import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { driftReportSchema, type DeployEnvironment, type DriftReport } from '@pinlane/contracts';
import { renderDriftPage } from '@pinlane/pipeline';
import { driftedEntry, driftReportOf, EXAMPLE_NOW, exampleDriftReports, inSyncEntry, temporaryFolder } from '@pinlane/testing';
import {
  HISTORY_AT_MOST,
  HISTORY_LIMIT,
  readDriftHistory,
  REPORT_LIMIT,
  reportName,
  writeDriftPage,
  type JustWritten,
} from '../../src/deploy/drift-history.ts';

let folder: string;
let notes: string[];
const note = (line: string): void => void notes.push(line);
const put = (environment: DeployEnvironment, name: string, content: string | Uint8Array): string => {
  mkdirSync(join(folder, environment), { recursive: true });
  const path = join(folder, environment, name);
  writeFileSync(path, content);
  return path;
};
const keep = (report: DriftReport): string => put(report.environment, reportName(report), JSON.stringify(report));
const sound = (hours = 1, environment: DeployEnvironment = 'staging'): DriftReport =>
  driftReportOf(environment, [inSyncEntry('a/b@1', { environment })], { hours });

const inShort = (): string => join(folder, '../cache/drift-history.json');
const writePage = (just?: JustWritten): Promise<string> =>
  writeDriftPage(folder, { now: new Date(EXAMPLE_NOW), note, inShort: inShort(), just, temporaryFolder: join(folder, '../tmp') });

/** The page of reports as they are read, with the order of their schema. */
const rendered = (reports: readonly DriftReport[]): string =>
  renderDriftPage({ reports: reports.map((report) => driftReportSchema.parse(report)), now: new Date(EXAMPLE_NOW) });

beforeEach(() => {
  folder = join(temporaryFolder('drift-history'), 'drift');
  notes = [];
});

describe('the history of drift', () => {
  it('is all reports of all environments', () => {
    exampleDriftReports().forEach(keep);
    const key = ({ environment, at }: DriftReport): string => `${environment} ${at}`;
    expect(readDriftHistory(folder, note).map(key).toSorted()).toEqual(exampleDriftReports().map(key).toSorted());
    expect(notes).toEqual([]);
  });

  it('is empty where there is no folder yet', () => {
    expect([readDriftHistory(folder, note), notes]).toEqual([[], []]);
  });

  it(`is the newest ${HISTORY_AT_MOST} of an environment`, () => {
    for (let hours = 0; hours < HISTORY_AT_MOST + 5; hours++) keep(sound(hours));
    const read = readDriftHistory(folder, note);
    expect(read).toHaveLength(HISTORY_AT_MOST);
    expect(read.map(({ at }) => at)).toContain(sound(0).at);
    expect(read.map(({ at }) => at)).not.toContain(sound(HISTORY_AT_MOST).at);
  });

  it('has the newest of each environment, however large those of another are', () => {
    const padded = (hours: number): string => put('dev', reportName(sound(hours)), JSON.stringify(sound(hours, 'dev')).padEnd(HISTORY_LIMIT / 3));
    [1, 2, 3, 4, 5].forEach(padded);
    [1, 2].forEach((hours) => keep(sound(hours)));
    [9, 10].forEach((hours) => keep(sound(hours, 'main')));
    const read = readDriftHistory(folder, note).map(({ environment }) => environment);
    expect(read.filter((each) => each === 'dev')).toHaveLength(3);
    expect(read).toEqual(expect.arrayContaining(['staging', 'main']));
    expect(notes).toEqual([]);
  });

  const at = '2026-11-28T00:00:00.000Z';
  const name = reportName({ at });
  const json = (more: object): string => JSON.stringify({ ...sound(), at, ...more });
  it.each<[string, string, () => void]>([
    ['no JSON', 'it is not JSON', () => put('staging', name, '{')],
    ['no UTF-8', 'it is not JSON', () => put('staging', name, Buffer.from([0x22, 0xff, 0x22]))],
    ['nothing at all', 'it is not JSON', () => put('staging', name, '')],
    ['another document', 'it is no report', () => put('staging', name, json({ kind: 'PinReport' }))],
    ['a field too many', 'it is no report', () => put('staging', name, json({ html: '<b>' }))],
    [
      'an entry with another verdict',
      'it is no report',
      () => put('staging', name, json({ entries: [{ ...driftedEntry('a/b@1', { environment: 'staging' }), verdict: '<b>' }] })),
    ],
    ['a key that is the prototype', 'it is no report', () => put('staging', name, json({}).replace('"lane"', '"__proto__":{"x":1},"lane"'))],
    ['another environment', 'it is about main', () => put('staging', name, json({ environment: 'main' }))],
    ['another time', 'it was made at 9999-01-01', () => put('staging', name, json({ at: '9999-01-01T00:00:00.000Z' }))],
    ['more than is read', `it has ${REPORT_LIMIT + 1} bytes`, () => truncateSync(put('staging', name, ''), REPORT_LIMIT + 1)],
    ['a link', 'it is no plain file', () => symlinkSync(keep(sound(5)), put('staging', 'x', '').replace(/x$/, name))],
    ['a pipe', 'it is no plain file', () => execFileSync('mkfifo', [put('staging', 'x', '').replace(/x$/, name)])],
    ['a folder', 'it is no plain file', () => mkdirSync(put('staging', 'x', '').replace(/x$/, name))],
  ])('leaves out, with a word, a file that holds %s', (_, word, make) => {
    keep(sound(3));
    make();
    expect(readDriftHistory(folder, note).map(({ at: when }) => when)).toContain(sound(3).at);
    expect(readDriftHistory(folder, () => undefined).every(({ environment }) => environment === 'staging')).toBe(true);
    expect(notes.filter((line) => line.includes(name))).toEqual([expect.stringContaining(`is ignored, because ${word}`)]);
  });

  it('counts what else lies there, and says so in plain text', () => {
    keep(sound());
    put('staging', 'zzz\u001b[31m.json', '{}');
    put('staging', '.x.tmp', '');
    expect(readDriftHistory(folder, note)).toHaveLength(1);
    expect(notes).toEqual([`WARNING 2 of the names in ${join(folder, 'staging')} ignored, because they are none of a report`]);
  });

  it.each([
    ['a file', () => writeFileSync(join(folder, 'main'), '')],
    ['a link', () => symlinkSync(join(folder, 'staging'), join(folder, 'main'))],
  ])('is no environment that is %s', (_, make) => {
    keep(sound());
    make();
    expect(readDriftHistory(folder, note)).toHaveLength(1);
    expect(notes).toEqual([`WARNING ${join(folder, 'main')} is ignored, because it is no folder`]);
  });
});

describe('the page in the workspace', () => {
  it('is written of the reports beside it, in place of whatever lay there', async () => {
    exampleDriftReports().forEach(keep);
    const elsewhere = join(temporaryFolder('elsewhere'), 'file');
    writeFileSync(elsewhere, 'stays');
    symlinkSync(elsewhere, join(folder, 'index.html'));
    const written = await writePage();
    expect(written).toBe(join(folder, 'index.html'));
    expect(lstatSync(written).isFile()).toBe(true);
    expect(readFileSync(written, 'utf8')).toContain('<h1>5 apps are not as pinned, 1 could not be told</h1>');
    expect(readFileSync(elsewhere, 'utf8')).toBe('stays');
  });

  it('is the same, whether earlier reports are read or are known in short, and whether the newest is read or was just made', async () => {
    const reports = exampleDriftReports();
    reports.forEach(keep);
    const all = rendered(reports);
    const page = async (just?: JustWritten): Promise<string> => readFileSync(await writePage(just), 'utf8');
    expect(await page()).toBe(all);
    const kept = readFileSync(inShort(), 'utf8');
    expect(await page()).toBe(all);
    const [newest] = readDriftHistory(folder, note);
    expect(await page({ report: newest!, text: JSON.stringify(newest) })).toBe(all);
    expect(readFileSync(inShort(), 'utf8')).toBe(kept);
    rmSync(inShort());
    expect(await page()).toBe(all);
    expect(notes).toEqual([]);
  });

  it('has of an earlier report what is in it, whatever is known in short', async () => {
    const [newest, older] = [sound(1), sound(2)];
    [newest, older].forEach(keep);
    await writePage();
    const changed = { ...older, entries: [driftedEntry('a/b@1', { environment: 'staging' })] };
    keep(changed);
    // What is known of other reports stays out of it, too.
    const expected = rendered([newest, changed]);
    expect(readFileSync(await writePage(), 'utf8')).toBe(expected);
    expect(expected).toContain('a/b@1');
    writeFileSync(inShort(), readFileSync(inShort(), 'utf8').replace('drifted', 'stopped'));
    expect(readFileSync(await writePage(), 'utf8')).toBe(expected);
    expect(notes).toEqual([expect.stringMatching(/^WARNING .*drift-history\.json is ignored, because Pinlane did not write it as it is/)]);
  });

  it('takes a report that was just made for no other that lies in its place', async () => {
    const [mine, theirs] = [sound(1), { ...sound(1), entries: [driftedEntry('a/b@1', { environment: 'staging' })] }];
    keep(theirs);
    const expected = rendered([theirs]);
    expect(readFileSync(await writePage({ report: mine, text: JSON.stringify(mine) }), 'utf8')).toBe(expected);
  });

  it('tells again of what is no report, by a name under which it is none, though its text is known', async () => {
    const [newest, older] = [sound(1), sound(2)];
    [newest, older].forEach(keep);
    await writePage();
    const name = reportName(sound(3));
    put('staging', name, JSON.stringify(older));
    unlinkSync(join(folder, 'staging', reportName(older)));
    expect(readFileSync(await writePage(), 'utf8')).toBe(rendered([newest]));
    expect(notes).toEqual([expect.stringContaining(`${name} is ignored, because it was made at`)]);
  });

  it('keeps the newest in full of each hosting platform', async () => {
    const local = (hours: number): DriftReport => ({ ...sound(hours), adapter: 'local' });
    const reports = [sound(1), sound(2), local(3), local(4), sound(5)];
    reports.forEach(keep);
    const all = rendered(reports);
    for (let at = 0; at < 2; at++) expect(readFileSync(await writePage(), 'utf8')).toBe(all);
  });
});
