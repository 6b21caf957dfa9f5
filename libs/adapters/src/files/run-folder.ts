import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** No run takes so long, in ms. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

/** Removes the folders whose names begin so that killed runs of this user left a day ago or earlier. */
const sweepRunFolders = async (parent: string, prefix: string): Promise<void> => {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const path of names.map((name) => join(parent, name))) {
    const found = await lstat(path).catch(() => null);
    if (!found?.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid) || Date.now() - found.mtimeMs < LEFTOVER_MS) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
};

/** Makes a new folder for one run, which removes it at its end; what runs left that were killed goes the next day. */
export const makeRunFolder = async (parent: string, prefix: string): Promise<string> => {
  await sweepRunFolders(parent, prefix);
  return mkdtemp(join(parent, prefix));
};
