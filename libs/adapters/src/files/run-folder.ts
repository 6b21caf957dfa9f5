import { lstat, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@pinlane/oci';
import { removeTree } from './remove-tree.ts';

/** The age, in ms, from which on a folder belongs to no run that still goes on. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;
/** How long a new run waits for the removal of what one run left, in ms; it goes on meanwhile. */
const SWEEP_MS = 1000;

/** Removes this user's folders of that prefix that killed runs left a day ago or earlier. */
const sweepRunFolders = async (parent: string, prefix: string, signal: AbortSignal | undefined): Promise<void> => {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const path of names.map((name) => join(parent, name))) {
    if (signal?.aborted) return;
    const found = await lstat(path).catch(() => null);
    if (!found?.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid) || Date.now() - found.mtimeMs < LEFTOVER_MS) continue;
    await removeTree(path, { withinMs: SWEEP_MS, signal }).catch(() => undefined);
  }
};

/** Makes a new folder for one run, and removes those that killed runs left. Whoever calls it removes its own. */
export const makeRunFolder = async (parent: string, prefix: string, signal?: AbortSignal): Promise<string> => {
  await sweepRunFolders(parent, prefix, signal);
  return mkdtemp(join(parent, prefix));
};

/** Makes a new folder for as long as `use` takes; see {@link makeRunFolder}. `parent` is made if it is missing. */
export const withRunFolder = async <T>(parent: string, prefix: string, use: (folder: string) => Promise<T>, signal?: AbortSignal): Promise<T> => {
  await makeFolder(parent);
  const folder = await makeRunFolder(parent, prefix, signal);
  try {
    return await use(folder);
  } finally {
    await removeTree(folder, { signal });
  }
};
