import type { Stats } from 'node:fs';
import type { Digest } from '@pinlane/contracts';
import { fileState, isSettled, seenState } from './file-state.ts';
import { lstatIfThere } from './if-there.ts';

/** The hash of a file's bytes, and how many there are. */
export interface HashedFile {
  readonly size: number;
  readonly sha256: Digest;
}

/** What a file held in the state that it was read in. */
export interface KnownFile extends HashedFile {
  readonly state: string;
}

/** A smaller file is hashed sooner than remembered, in bytes. */
export const LARGE = 1024 * 1024;

/** By path. */
const known = new Map<string, KnownFile & { readonly settled: boolean }>();

/** What a file holds, if it was hashed and is as it was then. */
export const knownHash = (path: string, stats: Stats): HashedFile | undefined => {
  const found = known.get(path);
  return found?.state === fileState(path, stats) ? found : undefined;
};

/** Remembers what a file held that was read. @param stats of before it was read: one that is written to meanwhile is another one afterwards */
export const rememberHash = (path: string, stats: Stats, { size, sha256 }: HashedFile): void => {
  if (stats.size < LARGE) return;
  known.set(path, { state: fileState(path, stats), size, sha256, settled: isSettled(path, stats) });
};

/**
 * What is known of large files, by their absolute paths, for a process that comes after this one. A file is left out that is not as it was, or was written to
 * a moment ago.
 */
export const hashesToKeep = (): Readonly<Record<string, KnownFile>> => {
  const kept: Record<string, KnownFile> = {};
  for (const [path, { size, sha256, settled }] of known) {
    const stats = lstatIfThere(path);
    // Only this process knows its own marks, so what another one will see is told.
    if (settled && stats !== undefined && isSettled(path, stats) && knownHash(path, stats) !== undefined)
      kept[path] = { state: seenState(path, stats), size, sha256 };
  }
  return kept;
};

/** Believes what an earlier process kept. What this one knows itself stays. */
export const believeHashes = (kept: Readonly<Record<string, KnownFile>>): void => {
  for (const [path, file] of Object.entries(kept)) if (!known.has(path)) known.set(path, { ...file, settled: true });
};
