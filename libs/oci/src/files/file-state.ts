import { utimesSync, type Stats } from 'node:fs';
import { statIfThere } from './if-there.ts';

/** What changes when somebody writes to a file, or marks it as in use. */
export const seenState = (path: string, { ino, size, mtimeMs, ctimeMs }: Stats): string => `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;

/** What a file has been since this process marked it, and what it was before. */
interface Mark {
  readonly state: string;
  readonly before: string;
  /** When somebody else changed it last, in ms since 1970. */
  readonly changed: number;
}

/** By path. */
const marked = new Map<string, Mark>();

/** The mark of a file, if nobody has written to it since. */
const markOf = (path: string, stats: Stats): Mark | undefined => {
  const mark = marked.get(path);
  return mark?.state === seenState(path, stats) ? mark : undefined;
};

/** What changes when somebody writes to a file; that this process marks it as in use changes nothing. */
export const fileState = (path: string, stats: Stats): string => markOf(path, stats)?.before ?? seenState(path, stats);

const changedAt = (path: string, stats: Stats): number => markOf(path, stats)?.changed ?? stats.ctimeMs;

/** Marks a file as in use now, by its times. @returns what is there then; undefined if nothing is */
export const markUsed = (path: string): Stats | undefined => {
  const before = statIfThere(path);
  if (before === undefined) return undefined;
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Blobs of a read-only store can't be marked, and can't be collected either.
    return statIfThere(path);
  }
  const after = statIfThere(path);
  // It is looked at, marked and looked at at once, so that nobody else's writing goes by as the mark.
  if (after?.ino === before.ino && after.size === before.size && Math.abs(after.mtimeMs - now.getTime()) < 1)
    marked.set(path, { state: seenState(path, after), before: fileState(path, before), changed: changedAt(path, before) });
  return after;
};

/** After so long a file's times tell whether it was written to, in ms: file systems have clocks as coarse as this. */
const SETTLED_MS = 1000;

/**
 * Whether what a file held when it was looked at is what its state stands for: one that was written a moment ago may be written again within the same tick.
 * That this process marks it changes nothing: a mark has whole milliseconds, which nobody's writing leaves.
 */
export const isSettled = (path: string, stats: Stats): boolean => Date.now() - changedAt(path, stats) > SETTLED_MS;
