import { ARCHITECTURES, cutOff, platformOf, type LaneCell, type LanesReport, type LaneStanding } from '@pinlane/contracts';
import { acceptedText, byOf, digestIn, remarksOf, short, tipText, waitingText } from './lane-words.ts';
import { markdownCode, markdownText } from './markdown.ts';
import { STANDINGS } from './standings.ts';
import { momentOf } from './time.ts';

/** So many commits are named, in a table and in a summary. */
const COMMITS_AT_MOST = 20;
/** GitHub takes a mebibyte from a step; rows beyond this are counted. In bytes. */
const ROWS_BYTES = 600 * 1024;
const TEXT_AT_MOST = 300;

const HEAD = ['processor', 'lane', 'standing', 'pinned', 'accepted', 'deployed', 'since', 'commit', 'by'];

const pinnedText = ({ pins }: LaneCell): string =>
  ARCHITECTURES.flatMap((each) => (pins[each] === undefined ? [] : [`${each} ${short(digestIn(pins[each]))}`])).join(' ') || 'none';

const acceptanceText = (cell: LaneCell): string =>
  ARCHITECTURES.flatMap((each) => (cell.pins[each] === undefined ? [] : [`${each} ${acceptedText(cell, each) || '?'}`])).join('; ') || '-';

const deployedText = ({ deployed }: LaneCell): string => {
  if (deployed === null) return '-';
  if (!deployed.known) return '?';
  return deployed.value.digest === null ? 'none' : short(deployed.value.digest);
};

interface Line {
  readonly cells: readonly string[];
  readonly standing: LaneStanding;
  readonly remarks: readonly string[];
}

/** A line for each processor in each lane that has it. */
const linesOf = ({ rows, lanes }: LanesReport): Line[] =>
  rows.flatMap(({ name, cells }) =>
    cells.flatMap((cell, at): Line[] => {
      if (cell === null) return [];
      const since = cell.since?.known === true ? cell.since.value : null;
      const when = cell.since === null ? '-' : since === null ? '?' : (since.at ?? 'no time');
      const told = [pinnedText(cell), acceptanceText(cell), deployedText(cell), when, since === null ? '-' : short(since.commit), byOf(cell) ?? '-'];
      return [{ cells: [name, lanes[at]!.lane, cell.standing, ...told], standing: cell.standing, remarks: remarksOf(cell) }];
    }),
  );

const pinLine = ({ name, pin, main, staging }: Extract<LanesReport['waiting'], { known: true }>['value']['pins'][number]): string[] => {
  const shown = (reference: string | null): string => (reference === null ? 'none' : short(digestIn(reference)));
  return [name, pin === 'index' ? 'index' : platformOf(pin), shown(main), shown(staging)];
};

/**
 * The report for a terminal, line by line: a line for each processor in each lane, what is not known below it, and what waits for main. `-`: there is none;
 * `?`: it is not known here.
 */
export const renderLanesTable = (report: LanesReport): string[] => {
  const lines = linesOf(report);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...lines.map(({ cells }) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const { waiting } = report;
  const waits = waiting.known
    ? [
        ...waiting.value.pins.map(pinLine).map(([name, pin, main, staging]) => `  ${name} ${pin}: ${main} -> ${staging}`),
        ...waiting.value.commits.slice(0, COMMITS_AT_MOST).map(({ commit, by, subject }) => `  ${short(commit)} ${cutOff(subject, TEXT_AT_MOST)} (${by})`),
        ...moreCommits(waiting.value),
      ]
    : [`  ${waiting.reason}`];
  return [
    ...(lines.length === 0 ? [] : [line(HEAD)]),
    ...lines.flatMap(({ cells, remarks }) => [line(cells), ...remarks.map((remark) => `    ${remark}`)]),
    ...report.lanes.map((lane) => `${lane.lane}: ${tipText(lane)}${lane.partial === null ? '' : `; ${lane.partial}`}`),
    waitingText(report),
    ...waits,
  ];
};

const moreCommits = ({ commits, more }: { readonly commits: readonly unknown[]; readonly more: number }): string[] => {
  const left = commits.length + more - COMMITS_AT_MOST;
  return left > 0 ? [`  … and ${left} commits more`] : [];
};

const MARKS: Readonly<Record<LaneStanding, string>> = { differs: '🔺', rejected: '⭕', waiting: '🔷', unpinned: '🟧', unknown: '❔', settled: '🟢' };

/** As many lines as fit, and how many do not. */
const within = (lines: readonly string[]): string[] => {
  let room = ROWS_BYTES;
  const shown = lines.findIndex((line) => (room -= Buffer.byteLength(line) + 1) < 0);
  return shown === -1 ? [...lines] : [...lines.slice(0, shown), '', `… and ${lines.length - shown} more: they are in the report.`];
};

/** The report as GitHub shows it for a step, in Markdown. Names and messages of commits are nothing but text. */
export const renderLanesSummary = (report: LanesReport): string => {
  const { waiting, at } = report;
  const commits = waiting.known ? waiting.value.commits.slice(0, COMMITS_AT_MOST) : [];
  const pins = waiting.known ? waiting.value.pins.map(pinLine) : [];
  const text = (value: string): string => markdownText(cutOff(value, TEXT_AT_MOST));
  const rows = linesOf(report).map(({ cells: [name, lane, , pinned, accepted, deployed, since, commit, by], standing }) => {
    const when = since === '-' || since === '?' ? since! : text(momentOf(since!));
    const told = [text(lane!), markdownCode(pinned!), text(accepted!), markdownCode(deployed!), when, markdownCode(commit!), text(by!)];
    return `| ${[`${MARKS[standing]} ${STANDINGS[standing].word}`, markdownCode(cutOff(name!, TEXT_AT_MOST)), ...told].join(' | ')} |`;
  });
  return [
    `### ${text(waitingText(report))}`,
    '',
    `As of ${momentOf(at)}, by git and the reports that are here.`,
    ...(waiting.known ? [] : ['', text(waiting.reason)]),
    ...(pins.length === 0 ? [] : ['', '| processor | pin | main | staging |', '| --- | --- | --- | --- |']),
    ...within(pins.map((cells) => `| ${cells.map((cell) => markdownCode(cell)).join(' | ')} |`)),
    ...(commits.length === 0 ? [] : ['']),
    ...commits.map(({ commit, subject, by }) => `- ${markdownCode(short(commit))} ${text(subject)}, ${text(by)}`),
    ...(waiting.known ? moreCommits(waiting.value) : []),
    '',
    ...(rows.length === 0
      ? []
      : ['| standing | processor | lane | pinned | accepted | deployed | since | commit | by |', `| ${Array(9).fill('---').join(' | ')} |`]),
    ...within(rows),
    '',
    ...report.lanes.map((lane) => `- ${lane.lane}: ${text(tipText(lane))}${lane.partial === null ? '' : `; ${text(lane.partial)}`}`),
    '',
  ].join('\n');
};
