import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
}

/** The version of an installed package, as a module in a folder would find it; null if it does not. */
export const installedVersion = (name: string, folder: string): string | null => {
  try {
    const file = createRequire(join(folder, 'index.js')).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(file, 'utf8')) as PackageJson).version ?? null;
  } catch {
    return null;
  }
};

/** The version of the plugin that runs; null if its package.json is not above it. */
export const ownVersion = (folder = import.meta.dirname): string | null => {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
    if (name === '@pinlane/nx') return version ?? null;
  } catch {
    // Not in this folder.
  }
  return dirname(folder) === folder ? null : ownVersion(dirname(folder));
};
