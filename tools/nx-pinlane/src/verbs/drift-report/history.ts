import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriftReport } from '@pinlane/contracts';
import { REPORT_NAME, reportName, type JustWritten } from '../../deploy/drift-history.ts';
import { replaceOwnFile } from '../../workspace/own-file.ts';
import type { WorkspacePaths } from '../../workspace/paths.ts';

/** How many reports of an environment are kept; the oldest go. */
export const REPORTS_AT_MOST = 100;

/** Keeps a report among the earlier ones of its environment, and no more of them than so many. What else lies there stays. @returns what was written */
export const keepReport = async (report: DriftReport, { driftHistory, temporary }: WorkspacePaths): Promise<JustWritten> => {
  const folder = driftHistory(report.environment);
  // On one line: a report of a thousand apps is a megabyte as it is.
  const text = `${JSON.stringify(report)}\n`;
  await replaceOwnFile(join(folder, reportName(report)), text, { temporaryFolder: temporary });
  const names = (await readdir(folder)).filter((name) => REPORT_NAME.test(name)).sort();
  for (const name of names.slice(0, Math.max(0, names.length - REPORTS_AT_MOST))) await rm(join(folder, name), { recursive: true, force: true });
  return { report, text };
};
