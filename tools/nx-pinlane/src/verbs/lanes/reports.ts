import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { acceptanceReportSchema, deploymentSchema, driftReportSchema, plainLine, promotionReportSchema } from '@pinlane/contracts';
import { readSmallFile } from '@pinlane/oci';
import type { TellingReport } from '@pinlane/pipeline';
import { REPORT_LIMIT, REPORT_NAME } from '../../deploy/drift-history.ts';

/** So many files are looked at, and so deep. */
export const FILES_AT_MOST = 5000;
const DEPTH_AT_MOST = 6;
/** What all of them together may have, in bytes. */
const BYTES_AT_MOST = 128 * 1024 * 1024;
/** Of files that are named by their time, so many of a folder are read, the newest. */
const NEWEST = 5;

const SCHEMAS = {
  AcceptanceReport: acceptanceReportSchema,
  PromotionReport: promotionReportSchema,
  DriftReport: driftReportSchema,
  Deployment: deploymentSchema,
};

type Note = (line: string) => void;
const systemCode = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'an error';

/** The JSON files below a folder; no link is followed. */
const filesBelow = (folder: string, note: Note): string[] => {
  const found: string[] = [];
  const open: (readonly [string, number])[] = [[folder, 0]];
  for (let next = open.shift(); next !== undefined && found.length < FILES_AT_MOST; next = open.shift()) {
    const [path, depth] = next;
    try {
      if (depth === 0 && !lstatSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
      const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json')).map(({ name }) => name);
      const timed = files.filter((name) => REPORT_NAME.test(name)).slice(0, -NEWEST);
      found.push(...files.filter((name) => !timed.includes(name)).map((name) => join(path, name)));
      if (depth < DEPTH_AT_MOST) open.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => [join(path, name), depth + 1] as const));
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') note(`WARNING ${plainLine(path)} is ignored, because it can't be read (${systemCode(thrown)})`);
    }
  }
  if (found.length >= FILES_AT_MOST) note(`WARNING only ${FILES_AT_MOST} files below ${plainLine(folder)} are looked at`);
  return found.slice(0, FILES_AT_MOST);
};

/** What a document says, if it is one of those that tell; null of another kind, a text of one of these kinds that is wrong. */
const parsed = (bytes: Uint8Array): TellingReport | string | null => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return 'it is not JSON';
  }
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(SCHEMAS, kind)) return null;
  const { data } = SCHEMAS[kind as keyof typeof SCHEMAS].safeParse(value);
  return data ?? `it is no ${kind} that this version of Pinlane writes`;
};

/**
 * The reports below a folder that tell of acceptance and deployment, whoever put them there and by whatever name: no link is followed, no pipe waited for, and
 * no more is read than limits say. What is no report is ignored; what says that it is one and is not is told.
 */
export const readReports = (folder: string, note: Note): TellingReport[] => {
  let room = BYTES_AT_MOST;
  return filesBelow(folder, note).flatMap((path): TellingReport[] => {
    const ignore = (why: string): [] => (note(`WARNING ${plainLine(path)} is ignored, because ${why}`), []);
    try {
      const file = readSmallFile(path, Math.min(REPORT_LIMIT, room), { links: false });
      if (file.kind === 'special') return ignore('it is no plain file');
      if (file.kind === 'large') return ignore(`it has ${file.size} bytes, and no more than ${Math.min(REPORT_LIMIT, room)} are read`);
      room -= file.bytes.length;
      const report = parsed(file.bytes);
      return report === null ? [] : typeof report === 'string' ? ignore(report) : [report];
    } catch (thrown) {
      return systemCode(thrown) === 'ENOENT' ? [] : ignore(`it can't be read (${systemCode(thrown)})`);
    }
  });
};
