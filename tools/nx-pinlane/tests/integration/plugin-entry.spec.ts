import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

const here = join(import.meta.dirname, '../..');

/** The packages that are loaded with the plugin, before any of its functions is called. */
const packagesLoaded = async (): Promise<string[]> => {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: ['src/index.ts'],
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
  const loaded = new Set([Object.keys(metafile.outputs).find((path) => metafile.outputs[path]!.entryPoint === 'src/index.ts')!]);
  for (const path of loaded)
    for (const { path: next, kind, external } of metafile.outputs[path]!.imports) if (kind === 'import-statement' && external !== true) loaded.add(next);
  const files = [...loaded].flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
  return [...new Set(files.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))].sort();
};

describe('The plugin', () => {
  it('loads little, because every command of Nx waits for it', async () => {
    expect(await packagesLoaded()).toEqual(['js-yaml']);
  });
});
