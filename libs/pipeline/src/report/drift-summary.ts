import { cutOff, shortDigest, type Digest, type DriftEntry, type DriftReport, type DriftVerdict } from '@pinlane/contracts';
import { countsText, pinnedDigest } from './drift-table.ts';
import { markdownCode, markdownText } from './markdown.ts';
import { messageOf } from './message.ts';
import { momentOf } from './time.ts';
import { BY_WEIGHT, VERDICTS } from './verdicts.ts';

/** What apps in sync may take of a summary, and the others, in bytes: GitHub takes a mebibyte of a step. */
const IN_SYNC_BYTES = 300 * 1024;
const OTHERS_BYTES = 600 * 1024;
/** Characters of a message, and of a name. */
const MESSAGE_AT_MOST = 400;
const NAME_AT_MOST = 100;

const MARKS: Readonly<Record<DriftVerdict, string>> = {
  ...{ drifted: '🔺', missing: '⭕', stopped: '🟧', orphan: '🔷', unverifiable: '❔', 'in-sync': '🟢' },
};
const HEADLINES: Readonly<Record<DriftReport['verdict'], string>> = {
  ...{ 'in-sync': '🟢 What is pinned is what runs', drift: '🔺 What runs is not what is pinned', unknown: '❔ What runs could not be told' },
};

const digestCode = (digest: string | null): string => (digest === null ? 'none' : `<code>${shortDigest(digest as Digest)}</code>`);
const nameCode = (name: string): string => markdownCode(cutOff(name, NAME_AT_MOST));

const configured = ({ observed }: DriftEntry): string => {
  if (observed === null) return 'not asked';
  return observed.image.known ? digestCode(observed.image.value) : 'not known';
};

const sinceText = ({ since, by }: DriftEntry): string =>
  [since === null ? '' : momentOf(since), by === null ? '' : `by ${nameCode(by)}`].filter((text) => text !== '').join(' ');

const servingText = ({ serving }: DriftEntry): string => {
  if (serving === null) return 'not asked';
  return serving.known ? digestCode(serving.value) : 'not known';
};

const row = (entry: DriftEntry): string => {
  const { app, verdict } = entry;
  const cells = [
    `${MARKS[verdict]} ${VERDICTS[verdict].word}`,
    nameCode(app),
    digestCode(pinnedDigest(entry)),
    configured(entry),
    servingText(entry),
    sinceText(entry),
  ];
  return `| ${[...cells, markdownText(cutOff(messageOf(entry), MESSAGE_AT_MOST))].join(' | ')} |`;
};

/** As many lines as fit, and how many do not. */
const within = (bytes: number, lines: readonly string[]): string[] => {
  let room = bytes;
  const shown = lines.findIndex((line) => (room -= Buffer.byteLength(line) + 1) < 0);
  return shown === -1 ? [...lines] : [...lines.slice(0, shown), '', `… and ${lines.length - shown} more: they are in the report.`];
};

const othersTable = (entries: readonly DriftEntry[]): string[] => {
  if (entries.length === 0) return [];
  const sorted = entries.toSorted((a, b) => BY_WEIGHT.indexOf(a.verdict) - BY_WEIGHT.indexOf(b.verdict));
  const head = ['| verdict | app | pinned | configured | serving | since | what |', '| --- | --- | --- | --- | --- | --- | --- |'];
  return ['', ...head, ...within(OTHERS_BYTES, sorted.map(row))];
};

const inSyncList = (entries: readonly DriftEntry[]): string[] => {
  if (entries.length === 0) return [];
  const items = entries.map((entry) => `- ${nameCode(entry.app)} ${digestCode(pinnedDigest(entry))}`);
  return ['', `<details><summary>${entries.length} in sync</summary>`, '', ...within(IN_SYNC_BYTES, items), '', '</details>'];
};

/**
 * A report as GitHub shows it for a step, in Markdown: the counts, a table of what is not in sync, and the rest folded. Names, messages and whoever deployed
 * come from a platform, and are nothing but text. Apps are named as far as the mebibyte goes that GitHub takes; the rest are counted.
 */
export const renderDriftSummary = (report: DriftReport): string => {
  const { entries, environment, adapter, lane, at, live, deep } = report;
  const others = entries.filter(({ verdict }) => verdict !== 'in-sync');
  const inSync = entries.filter(({ verdict }) => verdict === 'in-sync');
  const asked = [live ? 'apps were asked themselves' : 'no app was asked itself', deep ? 'names were proven' : ''].filter((text) => text !== '');
  return [
    `### ${HEADLINES[report.verdict]}: ${environment}`,
    '',
    `**${countsText(report)}** on ${adapter}, lane ${lane}, ${momentOf(at)}; ${asked.join(', ')}.`,
    ...othersTable(others),
    ...inSyncList(inSync),
    '',
  ].join('\n');
};
