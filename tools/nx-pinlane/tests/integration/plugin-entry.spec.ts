import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

const here = join(import.meta.dirname, '../..');

/** The packages that are loaded with a module, before any of its functions is called. */
const packagesLoaded = async (entry: string): Promise<string[]> => {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    outdir: 'nothing-is-written',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@pinlane/source'],
    external: ['nx', '@nx/devkit', 'esbuild'],
    metafile: true,
  });
  const loaded = new Set([Object.keys(metafile.outputs).find((path) => metafile.outputs[path]!.entryPoint === entry)!]);
  for (const path of loaded)
    for (const { path: next, kind, external } of metafile.outputs[path]!.imports) if (kind === 'import-statement' && external !== true) loaded.add(next);
  const files = [...loaded].flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
  return [...new Set(files.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))].sort();
};

describe('What Nx loads before anything runs', () => {
  it.each([
    ['the plugin, for which every command waits', 'src/index.ts', ['js-yaml']],
    ['an executor, which then loads the rest by way of the compile cache', 'src/nx/executor.ts', []],
  ])('is little for %s', async (_, entry, packages) => {
    expect(await packagesLoaded(entry)).toEqual(packages);
  });
});
