import { globSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { OWN_FOLDER } from './own-folder.ts';

const SKIPPED = new Set(['node_modules', '.git', '.nx', OWN_FOLDER]);

/** Every registry.yaml of the workspace, relative to its root, with `/`: also one that inference leaves out, because it too may pin. */
export const specFiles = (root: string): string[] =>
  globSync('**/registry.yaml', { cwd: root, withFileTypes: true, exclude: ({ name }) => SKIPPED.has(name) })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join('/'))
    .sort();
