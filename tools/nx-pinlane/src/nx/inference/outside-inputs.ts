import { dirname, posix } from 'node:path';
import { isPlainFolder } from '../plain-folder.ts';
import type { BundleFiles } from './bundle-files.ts';

/** What stands for everything. */
const ALL = '{workspaceRoot}/**/*';

/**
 * Nx inputs for what a processor's bundle is made of outside of the processor's own folder, whichever project it belongs to, if any: each folder with a source
 * in it, because a file that is added may be found in the place of another, and configuration files. Everything if nobody knows what the bundle is made of.
 * @param known null if nobody knows, undefined if there is no bundle
 */
export const outsideInputs = (root: string, known: BundleFiles | null | undefined): string[] => {
  if (known === undefined) return [];
  if (known === null) return [ALL];
  const isOutside = (path: string): boolean => !path.startsWith(`${root}/`);
  const folders = known.files.filter(isOutside).map((path) => dirname(path));
  // Nx takes a folder's name for a pattern; what is above the root is nothing that it sees.
  if (!folders.every(isPlainFolder)) return [ALL];
  const patterns = [...folders.map((folder) => posix.join(folder, '*')), ...known.configuration.filter(isOutside)];
  return [...new Set(patterns)]
    .filter((path) => !path.startsWith('../'))
    .sort()
    .map((path) => `{workspaceRoot}/${path}`);
};
