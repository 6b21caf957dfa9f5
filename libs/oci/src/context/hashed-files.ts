import type { Stats } from 'node:fs';
import { fileState, isSettled } from '../files/file-state.ts';
import { lstatIfThere } from '../files/if-there.ts';
import { knownHash, LARGE, rememberHash, type HashedFile } from '../files/known-hashes.ts';

/** Files that are being hashed now, by their state. */
const hashing = new Map<string, Promise<HashedFile>>();

const hashAndRemember = async (path: string, before: Stats, state: string, hash: () => Promise<HashedFile>): Promise<HashedFile> => {
  const hashed = await hash();
  const after = lstatIfThere(path);
  if (after !== undefined && fileState(path, after) === state) rememberHash(path, before, hashed);
  return hashed;
};

/** Hashes a large file once while it stays as it is: several tasks of a run may read one context. @param size what it had when it was found */
export const hashedOnce = async (path: string, size: number, hash: () => Promise<HashedFile>): Promise<HashedFile> => {
  const before = size < LARGE ? undefined : lstatIfThere(path);
  if (before === undefined || !isSettled(path, before)) return hash();
  const known = knownHash(path, before);
  if (known !== undefined) return known;
  const state = fileState(path, before);
  const begun = hashing.get(state) ?? hashAndRemember(path, before, state, hash).finally(() => hashing.delete(state));
  hashing.set(state, begun);
  return begun;
};
