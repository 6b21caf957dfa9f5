import type { Stats } from 'node:fs';

/** What changes when somebody writes to a file. */
export const fileState = (path: string, { ino, size, mtimeMs, ctimeMs }: Stats): string => `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;

/** After so long a file's times tell whether it was written to, in ms: file systems have clocks as coarse as this. */
const SETTLED_MS = 1000;

/** Whether what a file held when it was looked at is what its state stands for: one that was written a moment ago may be written again within the same tick. */
export const isSettled = ({ ctimeMs }: Stats): boolean => Date.now() - ctimeMs > SETTLED_MS;
