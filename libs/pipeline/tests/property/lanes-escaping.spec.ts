import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LanesReport } from '@pinlane/contracts';
import { exampleLanesReport, laneCellFor } from '@pinlane/testing';
import { lanesReport, readLanePins, renderLanesPage, renderLanesSummary, renderLanesTable, type LaneFacts } from '../../src/index.ts';

const pieces = [
  '<',
  '>',
  '"',
  "'",
  '&',
  '</script>',
  '<!--',
  '-->',
  '<script>alert(1)</script>',
  '`',
  '|',
  '\n',
  '\r',
  '\\',
  '\u2028',
  '\u202e',
  '\ud800',
  '\0',
  '&lt;',
];
const odd = ['javascript:alert(1)', ' onload=x ', '::error::', '##[group]', '\u001b]0;x\u0007', '](x)', '@team', '#7'];
const text = fc.oneof(
  fc.array(fc.oneof(fc.constantFrom(...pieces, ...odd), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
);
const commit = 'a'.repeat(40);
const known = <T>(value: T) => ({ known: true as const, value });
const reference = (digit: string) => `ghcr.io/acme/one@sha256:${digit.repeat(64)}`;
const specOf = (ref: string, digit: string) => `ref: ${ref}\nimage: { platforms: { amd64: "${reference(digit)}" } }\n`;

/** What git tells, with a text of somebody else wherever git or a report may have one. */
const reportWith = (hostile: string): LanesReport => {
  const by = known({ commit, at: null, by: hostile });
  const unknown = { known: false as const, reason: hostile };
  const lane = (name: LaneFacts['lane'], digit: string, whole: boolean): LaneFacts => ({
    ...{ lane: name, ref: `x${hostile}`, tip: whole ? by : unknown, partial: hostile },
    files: [
      {
        file: `a${hostile}`,
        pins: readLanePins(specOf('acme/one@1', digit), 'x'),
        since: by,
        writtenBy: known({ ...by.value, source: commit, run: hostile, way: 'content' }),
      },
      { file: `b${hostile}`, pins: { reason: hostile }, since: null, writtenBy: null },
      { file: 'c', pins: readLanePins(specOf('acme/two@1', '3'), 'x'), since: unknown, writtenBy: unknown },
    ],
  });
  const entry = laneCellFor('acme/one@1', { lane: 'staging', image: 'x', standing: 'settled' });
  expect(entry.deployed?.known).toBe(true);
  return lanesReport([lane('dev', '1', false), lane('staging', '1', true), lane('main', '2', true)], {
    commits: known({ commits: [{ ...by.value, subject: hostile }], more: 3 }),
    reports: [],
    at: '2026-11-28T06:20:00.000Z',
  });
};

/** The elements of a page with the names of their attributes, in order: what a text must not change. */
const skeleton = (page: string): string[] => [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));

describe('texts of commits, branches and reports', () => {
  it('are neither elements nor attributes of the page', () => {
    const pageOf = (hostile: string): string => renderLanesPage({ report: reportWith(hostile), drift: '../drift/index.html' });
    const harmless = skeleton(pageOf('x'));
    fc.assert(
      fc.property(text, (hostile) => {
        expect(skeleton(pageOf(hostile))).toEqual(harmless);
      }),
      { numRuns: 100 },
    );
  });
  it('change neither the lines of the table nor the columns of the summary, and do nothing to a terminal', () => {
    const shape = (report: LanesReport): number[] =>
      renderLanesSummary(report)
        .split('\n')
        .map((line) => line.split('|').length);
    const [harmless, lines] = [shape(reportWith('x')), renderLanesTable(reportWith('x')).length];
    fc.assert(
      fc.property(text, (hostile) => {
        const report = reportWith(`x${hostile}`);
        expect(shape(report)).toEqual(harmless);
        const told = renderLanesTable(report);
        expect(told).toHaveLength(lines);
        expect(told.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
      }),
      { numRuns: 100 },
    );
  });
  it('are read from a registry.yaml as pins or as a reason, whatever it holds', () => {
    fc.assert(
      fc.property(text, text, (ref, pin) => {
        const read = readLanePins(`ref: ${ref}\nimage: { platforms: { amd64: ${pin} } }`, 'x');
        expect('reason' in read ? typeof read.reason : Object.values(read.pins).every((each) => each.includes('@sha256:'))).toBeTruthy();
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is told of lanes', () => {
  it('has a line for each processor in each lane, and what waits', () => {
    const lines = renderLanesTable(exampleLanesReport());
    expect(lines.filter((line) => / (dev|staging|main) +(differs|rejected|waiting|unpinned|unknown|settled) /.test(line))).toHaveLength(34);
    expect(lines.join('\n')).toContain('4 processors wait for main, after 5 commits');
  });
});
