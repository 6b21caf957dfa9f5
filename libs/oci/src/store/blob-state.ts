import { utimesSync, type Stats } from 'node:fs';
import { fileState } from '../files/file-state.ts';
import { statIfThere } from '../files/if-there.ts';

/** By path: the state that a file has since it was marked, and the one that it had before. */
const marked = new Map<string, { readonly state: string; readonly before: string }>();

/** What changes when somebody writes to a blob's file; that this process marks it as in use changes nothing. */
export const blobState = (path: string, stats: Stats): string => {
  const state = fileState(path, stats);
  const mark = marked.get(path);
  return mark?.state === state ? mark.before : state;
};

/** Marks a blob's file as in use now, by its times. @returns what is there then; undefined if nothing is */
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
    marked.set(path, { state: fileState(path, after), before: blobState(path, before) });
  return after;
};
