import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { writeBundle } from '../../src/images/bundle.ts';
import { contextOf, withFiles } from './support/verb-context.ts';

const SOURCE = { 'processors/one/src/main.ts': "import a from 'a';\nimport b from 'b';\nconsole.log(JSON.stringify([a, b]));\n" };

/** A package that counts how often it is loaded, and asks for another one. */
const shared = (folder: string, version = '1.0.0', deep = 'deep'): Record<string, string> => ({
  [`${folder}/package.json`]: `{ "version": "${version}" }`,
  [`${folder}/index.js`]: `globalThis.loaded = (globalThis.loaded ?? 0) + 1;\nmodule.exports = [require('./part.js'), require('${deep}')];\n`,
  [`${folder}/part.js`]: "exports.index = () => require('./index.js');\nexports.name = 'part';\n",
});
const deep = (folder: string, version = '1.0.0'): Record<string, string> => ({
  [`${folder}/package.json`]: `{ "version": "${version}" }`,
  [`${folder}/index.js`]: `module.exports = 'deep ${version}';\n`,
});
const asker = (name: string): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: '{ "version": "1.0.0" }',
  [`node_modules/${name}/index.js`]:
    "module.exports = [require('shared'), () => globalThis.loaded].map((each) => (typeof each === 'function' ? each() : each));\n",
});
const NESTED = { ...asker('a'), ...asker('b'), ...shared('node_modules/a/node_modules/shared'), ...shared('node_modules/b/node_modules/shared') };

/** The bundle, what it says when it runs, and whether it is the same again. */
const bundled = async (files: Record<string, string>, change?: Record<string, string>): Promise<{ text: string; said: unknown }> => {
  let found = { text: '', said: undefined as unknown };
  await withFiles({ ...SOURCE, ...files }, async (root) => {
    const bundle = async (): Promise<void> => {
      await writeBundle(
        { entry: 'src/main.ts', output: 'dist/main.mjs', sourcemap: false },
        contextOf(root, { project: 'one', projectRoot: 'processors/one' }),
      );
      const path = join(root, 'processors/one/dist/main.mjs');
      found = { text: await readFile(path, 'utf8'), said: JSON.parse(spawnSync(process.execPath, [path], { encoding: 'utf8' }).stdout) };
    };
    await bundle();
    if (change === undefined) return;
    for (const [path, text] of Object.entries(change)) await writeFile(join(root, path), text);
    await bundle();
  });
  return found;
};

const part = { name: 'part' };
const once = [
  [[part, 'deep 1.0.0'], 1],
  [[part, 'deep 1.0.0'], 1],
];
const twice = (one: string, other: string) => [
  [[part, one], 1],
  [[part, other], 2],
];

describe('a package of one version that is installed twice', () => {
  it('is bundled once, and the bundle is that of a workspace where it is installed once', async () => {
    const flat = await bundled({ ...asker('a'), ...asker('b'), ...shared('node_modules/shared'), ...deep('node_modules/deep') });
    const nested = await bundled({ ...NESTED, ...deep('node_modules/deep') });
    expect([flat.said, nested.said, nested.text]).toEqual([once, once, flat.text]);
  });

  it('is bundled once with all that is nested in it', async () => {
    const files = { ...NESTED, ...deep('node_modules/a/node_modules/deep'), ...deep('node_modules/b/node_modules/shared/node_modules/deep') };
    expect((await bundled(files)).said).toEqual(once);
  });

  it('is bundled once also where the name that it is asked for by would be a pattern', async () => {
    const odd = 'shared/a+b(1).[c]$.js';
    const asking = (name: string) => ({ [`node_modules/${name}/index.js`]: `module.exports = [require('${odd}'), globalThis.loaded];\n` });
    const counting = (name: string) => ({ [`node_modules/${name}/node_modules/${odd}`]: 'globalThis.loaded = (globalThis.loaded ?? 0) + 1;\n' });
    const files = { ...NESTED, ...asking('a'), ...asking('b'), ...counting('a'), ...counting('b') };
    expect((await bundled(files)).said).toEqual([
      [{}, 1],
      [{}, 1],
    ]);
  });

  it.each<[string, Record<string, string>, unknown]>([
    [
      'its copies ask for other versions',
      { ...deep('node_modules/deep'), ...deep('node_modules/b/node_modules/deep', '2.0.0') },
      twice('deep 1.0.0', 'deep 2.0.0'),
    ],
    [
      'one copy was patched',
      { ...deep('node_modules/deep'), 'node_modules/b/node_modules/shared/part.js': "exports.name = 'part';\n" },
      twice('deep 1.0.0', 'deep 1.0.0'),
    ],
    [
      'one copy is of another version',
      { ...deep('node_modules/deep'), ...shared('node_modules/b/node_modules/shared', '1.0.1') },
      twice('deep 1.0.0', 'deep 1.0.0'),
    ],
  ])('stays what it is where %s', async (_, files, said) => {
    expect((await bundled({ ...NESTED, ...files })).said).toEqual(said);
  });

  it('is two again when one of them changes', async () => {
    const change = { 'node_modules/b/node_modules/shared/part.js': "exports.name = 'other';\n" };
    expect((await bundled({ ...NESTED, ...deep('node_modules/deep') }, change)).said).toEqual([
      [[part, 'deep 1.0.0'], 1],
      [[{ name: 'other' }, 'deep 1.0.0'], 2],
    ]);
  });

  it('stays as it is where a plugin of the bundler could not lead to it without a change: an ES module that imports CommonJS', async () => {
    const module = (folder: string): Record<string, string> => ({
      [`${folder}/package.json`]: '{ "version": "1.0.0", "type": "module", "exports": "./index.js" }',
      [`${folder}/index.js`]: "import deep from 'deep';\nexport const value = [deep];\n",
    });
    const files = { ...asker('a'), ...asker('b'), ...module('node_modules/a/node_modules/shared'), ...module('node_modules/b/node_modules/shared') };
    // To Node, the default import of a CommonJS module is what it exports, whatever it says of itself.
    const commonJs = {
      'node_modules/deep/package.json': '{ "version": "1.0.0" }',
      'node_modules/deep/index.js': "exports.__esModule = true;\nexports.default = 'wrong';\n",
    };
    const value = { value: [{ __esModule: true, default: 'wrong' }] };
    expect((await bundled({ ...files, ...commonJs })).said).toEqual([
      [value, null],
      [value, null],
    ]);
  });
});
