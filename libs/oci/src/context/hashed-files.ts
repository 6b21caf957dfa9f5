import { fileState, isSettled } from '../files/file-state.ts';
import { lstatIfThere } from '../files/if-there.ts';
import type { Digest } from '@pinlane/contracts';

/** The hash of a file's bytes, and how many there are. */
export interface HashedFile {
  readonly size: number;
  readonly sha256: Digest;
}

/** A smaller file is hashed sooner than remembered, in bytes. */
const LARGE = 1024 * 1024;

/** By the state of the file. */
const known = new Map<string, Promise<HashedFile>>();

/** Hashes a large file once in this process while it stays as it is: several tasks of a run may read one context. @param size what it had when it was found */
export const hashedOnce = async (path: string, size: number, hash: () => Promise<HashedFile>): Promise<HashedFile> => {
  const before = size < LARGE ? undefined : lstatIfThere(path);
  if (before === undefined || !isSettled(before)) return hash();
  const state = fileState(path, before);
  const hashing = known.get(state) ?? hash();
  known.set(state, hashing);
  try {
    const hashed = await hashing;
    const after = lstatIfThere(path);
    if (after === undefined || fileState(path, after) !== state) known.delete(state);
    return hashed;
  } catch (error) {
    known.delete(state);
    throw error;
  }
};
