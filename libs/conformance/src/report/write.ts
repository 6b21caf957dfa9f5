import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceptanceReport } from '@pinlane/contracts';
import { writeFileAtomic } from '@pinlane/oci';
import { junitXml } from './junit.ts';

/** The files that a report consists of. */
export interface ReportFiles {
  readonly json: string;
  readonly junit: string;
  readonly log: string;
}

/** The files of the report on one platform of a processor, in the folder of its reports. */
export const reportFiles = (folder: string, platform: string): ReportFiles => {
  const stem = `acceptance-${platform.split('/').at(-1)}`;
  return { json: join(folder, `${stem}.json`), junit: join(folder, `${stem}.junit.xml`), log: join(folder, `${stem}.log`) };
};

/** Removes the report of an earlier run, which must not be taken for one on the image that is tested now. */
export const clearReport = async (folder: string, platform: string): Promise<void> => {
  await Promise.all(Object.values(reportFiles(folder, platform)).map((file: string) => rm(file, { force: true })));
};

/** Writes a report, each file whole or not at all. A log of null removes the one that is there. */
export const writeReport = async (folder: string, report: AcceptanceReport, log: string | null): Promise<ReportFiles> => {
  const files = reportFiles(folder, report.platform);
  if (log === null) await rm(files.log, { force: true });
  else await writeFileAtomic(files.log, log);
  await writeFileAtomic(files.junit, junitXml(report));
  await writeFileAtomic(files.json, `${JSON.stringify(report, null, 2)}\n`);
  return files;
};
