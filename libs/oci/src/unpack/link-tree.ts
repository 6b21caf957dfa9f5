import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes a copy of a tree that shares the bytes of its files by hard links; folders and links are its own. A file of the
 * copy may be replaced, but never written to or chmodded.
 */
export const linkTree = (from: string, to: string): void => {
  mkdirSync(to);
  // Not by mkdir, from whose mode the umask takes away.
  chmodSync(to, lstatSync(from).mode & 0o1777);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkSync(source, target);
  }
};
