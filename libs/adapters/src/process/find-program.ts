import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// /sbin is often not on a plain user's PATH, though its programs may be run by anyone.
const MORE = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The absolute path of the first of some programs that is installed, or null. */
export const findProgram = (...names: readonly string[]): string | null => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/')), ...MORE];
  for (const name of names)
    for (const folder of folders) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not in this folder.
      }
    }
  return null;
};
