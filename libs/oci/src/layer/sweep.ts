import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '@pinlane/contracts';
import type { Store } from '../store/index.ts';
import { storePaths } from '../store/paths.ts';

const DAY = 24 * 60 * 60 * 1000;

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Removes listings of layers that are neither in the store any longer nor known to be elsewhere, and what killed builds left a day ago or earlier: their folders and half-written files. */
export const sweepLayerCache = async (root: string, store: Pick<Store, 'root'>): Promise<void> => {
  const { blob, originsOf } = storePaths(store.root);
  const before = Date.now() - DAY;
  const isOld = async (path: string) => ((await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity) < before;
  for (const name of await namesIn(join(root, 'listings'))) {
    const path = join(root, 'listings', name);
    const digest = `sha256:${name.slice(0, 64)}`;
    const whole = isDigest(digest) && name === `${name.slice(0, 64)}.json`;
    if (whole ? !(await isThere(blob(digest))) && !(await isThere(originsOf(digest))) : await isOld(path)) await rm(path, { force: true });
  }
  for (const name of await namesIn(root)) {
    const path = join(root, name);
    if (name.startsWith('work-') && (await isOld(path))) await rm(path, { recursive: true, force: true });
  }
};
