import { globSync } from 'node:fs';
import { sep } from 'node:path';

const SKIPPED = new Set(['node_modules', '.git', '.nx', '.pinlane']);

/** Every registry.yaml of the workspace, relative to its root, with `/`: also one that inference leaves out, because it too may pin. */
export const registryFiles = (root: string): string[] =>
  globSync('**/registry.yaml', { cwd: root, exclude: (path) => SKIPPED.has(String(path).split(sep).at(-1) ?? '') })
    .map((path) => path.split(sep).join('/'))
    .sort();
