import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEPLOY_ENVIRONMENTS, driftReportSchema, plainLine, type DeployEnvironment, type DriftReport } from '@pinlane/contracts';
import { renderDriftPage } from '@pinlane/pipeline';
import { replaceOwnFile } from '../workspace/own-file.ts';
import { readSmallFile } from '@pinlane/oci';

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
const parsed = (bytes: Uint8Array, name: string, environment: DeployEnvironment): DriftReport | string => {
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

interface Read {
  readonly report: DriftReport;
  readonly size: number;
}

/** A report of a file, whoever put it there: no link is followed, no pipe waited for, and no more than a limit is read. Null, and a note, if it is none. */
const readReport = (folder: string, name: string, { environment, note }: { readonly environment: DeployEnvironment; readonly note: Note }): Read | null => {
  const ignore = (why: string): null => (note(`WARNING ${plainLine(join(folder, name))} is ignored, because ${why}`), null);
  try {
    const file = readSmallFile(join(folder, name), REPORT_LIMIT, { links: false });
    if (file.kind === 'special') return ignore('it is no plain file');
    if (file.kind === 'large') return ignore(`it has ${file.size} bytes, and at most ${REPORT_LIMIT} are read`);
    const report = parsed(file.bytes, name, environment);
    return typeof report === 'string' ? ignore(report) : { report, size: file.bytes.length };
  } catch (thrown) {
    // Another run may have removed it as the oldest.
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? null : ignore(`it can't be read (${systemCode(thrown)})`);
  }
};

/**
 * The reports of drift in a folder that has one folder for each environment: the newest 30 of each, and 32 MiB of all. What is no report is ignored, and told.
 * @param folder such as `.pinlane/reports/drift`
 */
export const readDriftHistory = (folder: string, note: Note): DriftReport[] => {
  const open = DEPLOY_ENVIRONMENTS.map((environment) => ({ environment, names: namesIn(join(folder, environment), note), reports: [] as DriftReport[] }));
  let room = HISTORY_LIMIT;
  // One of each environment after the other, so that a large history leaves room for the others'.
  for (let rest = open; rest.length > 0; rest = rest.filter(({ names, reports }) => names.length > 0 && (room > 0 || reports.length === 0)))
    for (const { environment, names, reports } of rest) {
      const name = names.shift();
      if (name === undefined || (room <= 0 && reports.length > 0)) continue;
      const read = readReport(join(folder, environment), name, { environment, note });
      if (read === null) continue;
      reports.push(read.report);
      room -= read.size;
    }
  return open.flatMap(({ reports }) => reports);
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
  { now, note, temporaryFolder }: { readonly now: Date; readonly note: Note; readonly temporaryFolder: string },
): Promise<string> => {
  const page = join(folder, 'index.html');
  const lanes = existsSync(join(folder, LANES_PAGE)) ? LANES_PAGE : null;
  await replaceOwnFile(page, renderDriftPage({ reports: readDriftHistory(folder, note), now, lanes }), { temporaryFolder });
  return page;
};
