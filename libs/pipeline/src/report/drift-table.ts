import { parsePinnedReference, plainLine, shortDigest, type DriftEntry, type DriftReport, type Known } from '@pinlane/contracts';
import { messageOf } from './message.ts';
import { BY_WEIGHT } from './verdicts.ts';

/** The digest of a pin, in short; null where nothing is pinned. */
export const pinnedDigest = ({ pinned }: Pick<DriftEntry, 'pinned'>): string | null => (pinned === null ? null : parsePinnedReference(pinned).digest);

const factText = <T>(fact: Known<T> | null | undefined, told: (value: T) => string): string => {
  if (fact === null || fact === undefined) return '-';
  return fact.known ? told(fact.value) : '?';
};
const digestText = (digest: string | null): string => (digest === null ? 'none' : shortDigest(digest as Parameters<typeof shortDigest>[0]));

const HEAD = ['app', 'verdict', 'pinned', 'configured', 'serving', 'since', 'by'];

const rowOf = (entry: DriftEntry): string[] => [
  plainLine(entry.app),
  entry.verdict,
  digestText(pinnedDigest(entry)),
  factText(entry.observed?.image, digestText),
  factText(entry.serving, digestText),
  entry.since ?? factText(entry.observed?.deployedAt, (at) => at ?? '-'),
  plainLine(entry.by ?? factText(entry.observed?.deployedBy, (by) => by ?? '-')),
];

/** The counts of a report, for a line: `12 in-sync, 1 drifted`. */
export const countsText = ({ entries }: Pick<DriftReport, 'entries'>): string => {
  const told = BY_WEIGHT.toReversed().flatMap((verdict) => {
    const count = entries.filter((entry) => entry.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  return told.join(', ') || 'nothing should run, and nothing does';
};

/**
 * A report for a terminal, line by line: a row for each app, below it what is not as it should be, and the counts at the end. `-`: not asked, or there is
 * none; `?`: it could not be told.
 */
export const renderDriftTable = (report: DriftReport): string[] => {
  const rows = report.entries.map(rowOf);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => (row[column] as string).length)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd();
  const body = report.entries.flatMap((entry, at) => [
    line(rows[at] as string[]),
    ...(entry.verdict === 'in-sync' ? [] : [`    ${plainLine(messageOf(entry))}`]),
  ]);
  const asked = [report.live ? 'apps were asked' : '', report.deep ? 'names were proven' : ''].filter((text) => text !== '');
  return [
    ...(rows.length === 0 ? [] : [line(HEAD), ...body]),
    `${report.environment} on ${report.adapter}, lane ${report.lane}${asked.length > 0 ? `, ${asked.join(', ')}` : ''}: ${countsText(report)}`,
  ];
};
