import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { asPinlaneError } from '@pinlane/contracts';
import { OWN_FOLDER } from './own-folder.ts';

const SKIPPED = new Set(['node_modules', '.git', '.nx', OWN_FOLDER]);

/** Folders that nobody here can look into hold no processor that could be run here. */
const HIDDEN = new Set(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** The entries of a folder; none of one that is not there or can't be looked into. @throws the system's errors otherwise: they may hide pins */
export const entriesOf = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    if (HIDDEN.has(String((thrown as NodeJS.ErrnoException).code))) return [];
    throw asPinlaneError(thrown);
  }
};

/** Every file of a name below a folder, relative to the workspace's root, with `/`. Links to folders are not followed. @throws the system's errors */
export const filesNamed = (name: string, root: string, below = ''): string[] => {
  const found: string[] = [];
  const folders = [below];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const entry of entriesOf(join(root, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) folders.push(path);
      } else if (entry.name === name) found.push(path);
    }
  return found.sort();
};

/** Every registry.yaml below a folder: also one that inference leaves out, because it too may pin. @throws the system's errors */
export const specFiles = (root: string, below = ''): string[] => filesNamed('registry.yaml', root, below);
