import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder, below the workspace's root, of everything that Pinlane makes for itself. */
export const OWN_FOLDER = '.pinlane';

/** Keeps what Pinlane makes out of git, in a workspace whose own .gitignore does not name it. Where that can't be written, nothing can. */
export const hideFromGit = (root: string): void => {
  try {
    mkdirSync(join(root, OWN_FOLDER), { recursive: false });
  } catch {
    // It is there, or the next line fails as well.
  }
  try {
    writeFileSync(join(root, OWN_FOLDER, '.gitignore'), '*\n', { flag: 'wx' });
  } catch {
    // Either it is there, or whoever writes into the folder next says why it can't be written.
  }
};
