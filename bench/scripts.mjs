// Scripts of the bench that are written in TypeScript, bundled as the plugin is, so that what is measured is like what is shipped.
import { join } from 'node:path';
import { build } from 'esbuild';

/** Bundles scripts into a folder, with the options of tools/nx-pinlane/build.mjs. @param entries their paths below `root`, by name @returns the bundles, by name */
export const bundleScripts = async (root, folder, entries) => {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node22.12',
    format: 'esm',
    conditions: ['@pinlane/source'],
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: "import { createRequire as benchRequire } from 'node:module'; const require = benchRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return Object.fromEntries(Object.keys(entries).map((name) => [name, join(folder, `${name}.mjs`)]));
};
