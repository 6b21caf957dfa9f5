import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEPLOY_ENVIRONMENTS, driftReportSchema, plainLine, type DeployEnvironment, type DriftReport } from '@pinlane/contracts';
import { readSmallFile } from '@pinlane/oci';
import { driftInShort, renderDriftPage, type DriftInShort } from '@pinlane/pipeline';
import { replaceOwnFile } from '../workspace/own-file.ts';
import { readSealed, writeSealed } from '../workspace/sealed-file.ts';

/** How many reports of an environment make its history on a page, the newest. */
export const HISTORY_AT_MOST = 30;
/** The largest report that is read, in bytes: one of 1,000 apps is a tenth of it. */
export const REPORT_LIMIT = 16 * 1024 * 1024;
/** What all reports together may have, in bytes; the newest of each environment is read whatever the others have. */
export const HISTORY_LIMIT = 32 * 1024 * 1024;

type Note = (line: string) => void;

/** What the name of a report's file looks like. */
export const REPORT_NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?Z\.json$/;

/** The name of a report's file: its time, without what some file systems take for something else. */
export const reportName = ({ at }: Pick<DriftReport, 'at'>): string => `${at.replaceAll(':', '-')}.json`;

const systemCode = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'an error';

/** The names of the newest reports in a folder, the newest first; none if there is no folder. */
const namesIn = (folder: string, note: Note): string[] => {
  try {
    if (!lstatSync(folder).isDirectory()) return (note(`WARNING ${plainLine(folder)} is ignored, because it is no folder`), []);
    const names = readdirSync(folder);
    const reports = names.filter((name) => REPORT_NAME.test(name));
    const others = names.length - reports.length;
    if (others > 0) note(`WARNING ${others} of the names in ${plainLine(folder)} ignored, because they are none of a report`);
    return reports.sort().reverse().slice(0, HISTORY_AT_MOST);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') note(`WARNING ${plainLine(folder)} is ignored, because it can't be read (${systemCode(thrown)})`);
    return [];
  }
};

/** What a file says of a report, or why it is none. */
const parsed = ({ bytes, name, environment }: Found): DriftReport | string => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return 'it is not JSON';
  }
  const { success, data } = driftReportSchema.safeParse(value);
  if (!success) return 'it is no report that this version of Pinlane writes';
  if (data.environment !== environment) return `it is about ${data.environment}`;
  return reportName(data) === name ? data : `it was made at ${data.at}`;
};

/** Where a report was found, and what was. */
interface Found {
  readonly environment: DeployEnvironment;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The bytes of a file, whoever put it there: no link is followed, no pipe waited for, and no more than a limit is read. Null, and a note, if there are none. */
const bytesOf = (path: string, ignore: (why: string) => null): Uint8Array | null => {
  try {
    const file = readSmallFile(path, REPORT_LIMIT, { links: false });
    if (file.kind === 'special') return ignore('it is no plain file');
    return file.kind === 'large' ? ignore(`it has ${file.size} bytes, and at most ${REPORT_LIMIT} are read`) : file.bytes;
  } catch (thrown) {
    // Another run may have removed it as the oldest.
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? null : ignore(`it can't be read (${systemCode(thrown)})`);
  }
};

/**
 * What is made of the newest 30 reports of each environment, and of no more than 32 MiB of all, the newest of an environment first. What is no report is ignored,
 * and told.
 * @param make gives a text if a file is no report: why
 */
const ofEach = <Made extends object>(folder: string, note: Note, make: (found: Found) => Made | string): Made[] => {
  const open = DEPLOY_ENVIRONMENTS.map((environment) => ({ environment, names: namesIn(join(folder, environment), note), made: [] as Made[] }));
  let room = HISTORY_LIMIT;
  // One of each environment after the other, so that a large history leaves room for the others'.
  for (let rest = open; rest.length > 0; rest = rest.filter(({ names, made }) => names.length > 0 && (room > 0 || made.length === 0)))
    for (const { environment, names, made } of rest) {
      const name = names.shift();
      if (name === undefined || (room <= 0 && made.length > 0)) continue;
      const path = join(folder, environment, name);
      const ignore = (why: string): null => (note(`WARNING ${plainLine(path)} is ignored, because ${why}`), null);
      const bytes = bytesOf(path, ignore);
      const one = bytes && make({ environment, name, bytes });
      if (typeof one === 'string') ignore(one);
      if (bytes === null || one === null || typeof one === 'string') continue;
      made.push(one);
      room -= bytes.length;
    }
  return open.flatMap(({ made }) => made);
};

/**
 * The reports of drift in a folder that has one folder for each environment: the newest 30 of each, and 32 MiB of all. What is no report is ignored, and told.
 * @param folder such as `.pinlane/reports/drift`
 */
export const readDriftHistory = (folder: string, note: Note): DriftReport[] => ofEach(folder, note, parsed);

/** Counts up when the same report is read into something else: `tests/contracts/drift-history.spec.ts` tells. */
export const HISTORY_FORMAT = 'drift history 1';

/** What the text of a report is known by. */
const keyOf = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('base64url');

/** A report that was just written, with its text. */
export interface JustWritten {
  readonly report: DriftReport;
  readonly text: string;
}

/** Where the page's history is kept in short, and what need not be read again. */
export interface HistorySource {
  readonly note: Note;
  readonly inShort: string;
  readonly just?: JustWritten | undefined;
}

/**
 * The same reports for the page: the newest of each environment and platform in full, of the others what the history takes. That is kept by the hash of the
 * report's text, which is read all the same: to parse 30 reports of a thousand apps strictly takes longer than to make one.
 */
const readForPage = async (folder: string, { note, inShort, just }: HistorySource) => {
  const known = readSealed<DriftInShort>(inShort, HISTORY_FORMAT, 'every report is read anew', note);
  const used: Record<string, DriftInShort> = {};
  const inFull = new Set<string>();
  let fresh = false;
  const made = ofEach(folder, note, ({ environment, name, bytes }) => {
    const key = keyOf(bytes);
    const kept = Object.hasOwn(known, key) ? known[key] : undefined;
    const place = (of: DriftInShort): string => `${of.environment} ${of.adapter}`;
    const isOfPlace = kept?.environment === environment && reportName(kept) === name;
    if (kept && isOfPlace && inFull.has(place(kept))) return { report: null, short: (used[key] = kept) };
    const report = just && keyOf(just.text) === key ? just.report : parsed({ bytes, name, environment });
    if (typeof report === 'string') return report;
    fresh ||= kept === undefined;
    const short = (used[key] = driftInShort(report));
    if (inFull.has(place(short))) return { report: null, short };
    inFull.add(place(short));
    return { report, short };
  });
  if (fresh) await writeSealed(inShort, HISTORY_FORMAT, used);
  const reports = made.flatMap(({ report }) => report ?? []);
  return { reports, earlier: made.flatMap(({ report, short }) => (report === null ? short : [])) };
};

/** The page of lanes, relative to the folder of this one. */
const LANES_PAGE = '../lanes/index.html';

/**
 * Writes the page of what the reports in a folder tell, as `index.html` in it, in one step.
 * @returns the page's path
 * @throws the system's errors, if it can't be written
 */
export const writeDriftPage = async (
  folder: string,
  { now, temporaryFolder, ...source }: HistorySource & { readonly now: Date; readonly temporaryFolder: string },
): Promise<string> => {
  const page = join(folder, 'index.html');
  const lanes = existsSync(join(folder, LANES_PAGE)) ? LANES_PAGE : null;
  await replaceOwnFile(page, renderDriftPage({ ...(await readForPage(folder, source)), now, lanes }), { temporaryFolder });
  return page;
};
