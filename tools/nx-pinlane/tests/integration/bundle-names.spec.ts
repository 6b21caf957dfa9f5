import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { writeBundle } from '../../src/images/bundle.ts';
import { withPortableNames } from '../../src/images/bundle-names.ts';
import { contextOf, withFiles } from './support/verb-context.ts';

const SOURCES = {
  'processors/one/src/main.ts':
    "import a from 'a';\nimport { own } from '../../../libs/own.cjs';\nconsole.log(a(), own);\n\nexport const last = () => { throw new Error('here'); };\nlast();\n",
  'libs/own.cjs': 'module.exports = { own: \'__commonJS({"node_modules/.pnpm/x/node_modules/x/y.js"(\' };\n',
};
/** CommonJS that asks for an ES module, with a name that needs quotes. */
const PACKAGES: Record<string, Record<string, string>> = {
  a: {
    'package.json': '{ "version": "1.0.0" }',
    'index.js': "const b = require('@s/b');\nmodule.exports = () => [b.x, require('./lib/it\"s.js')];\n",
    'lib/it"s.js': 'module.exports = 1;\n',
  },
  '@s/b': { 'package.json': '{ "version": "2.0.0", "type": "module", "exports": "./b.js" }', 'b.js': "export const x = 'b';\n" },
};

const link = async (root: string, from: string, to: string): Promise<void> => {
  await mkdir(dirname(join(root, from)), { recursive: true });
  await symlink(to, join(root, from));
};

/** Where each package manager puts packages: the files of both, and the links. */
const LAYOUTS: Record<string, { readonly folder: (name: string) => string; readonly links: (root: string) => Promise<unknown> }> = {
  npm: { folder: (name) => `node_modules/${name}`, links: async () => undefined },
  'npm, nested': { folder: (name) => (name === 'a' ? 'node_modules/a' : 'node_modules/a/node_modules/@s/b'), links: async () => undefined },
  pnpm: {
    folder: (name) => (name === 'a' ? 'node_modules/.pnpm/a@1.0.0/node_modules/a' : 'node_modules/.pnpm/@s+b@2.0.0/node_modules/@s/b'),
    links: async (root) => {
      await link(root, 'processors/one/node_modules/a', join(root, 'node_modules/.pnpm/a@1.0.0/node_modules/a'));
      await link(root, 'node_modules/.pnpm/a@1.0.0/node_modules/@s/b', join(root, 'node_modules/.pnpm/@s+b@2.0.0/node_modules/@s/b'));
    },
  },
};

const filesOf = (folder: (name: string) => string): Record<string, string> => ({
  ...SOURCES,
  ...Object.fromEntries(Object.entries(PACKAGES).flatMap(([name, files]) => Object.entries(files).map(([path, text]) => [`${folder(name)}/${path}`, text]))),
});

/** The bundle and its map. */
const bundle = async (root: string): Promise<{ text: string; map: string; run: string }> => {
  await writeBundle({ entry: 'src/main.ts', output: 'dist/main.mjs', sourcemap: true }, contextOf(root, { project: 'one', projectRoot: 'processors/one' }));
  const path = join(root, 'processors/one/dist/main.mjs');
  const ran = spawnSync(process.execPath, ['--enable-source-maps', path], { encoding: 'utf8' });
  return { text: await readFile(path, 'utf8'), map: await readFile(`${path}.map`, 'utf8'), run: `${ran.stdout}${ran.stderr}` };
};

const inLayout = async (name: string): Promise<{ text: string; map: string; run: string }> => {
  const { folder, links } = LAYOUTS[name]!;
  let found: Awaited<ReturnType<typeof bundle>>;
  await withFiles(filesOf(folder), async (root) => {
    await links(root);
    found = await bundle(root);
  });
  return found!;
};

describe('a bundle with CommonJS packages', () => {
  it.each(Object.keys(LAYOUTS))('is the same, with its map, whoever installed them: %s', async (name) => {
    const [npm, other] = [await inLayout('npm'), await inLayout(name)];
    expect([other.text, other.map]).toEqual([npm.text, npm.map]);
    expect(other.text).toContain('__commonJS({"node_modules/a/index.js"(');
    expect(other.text).toContain('__esm({"node_modules/@s/b/b.js"(');
    // A text that only looks like a name stays, the bundle runs, and its map leads to the line.
    expect(other.run).toContain('[ \'b\', 1 ] __commonJS({"node_modules/.pnpm/x/node_modules/x/y.js"(');
    expect(other.run).toMatch(/src\/main\.ts:5/);
  });

  it('is the same where packages lie in a store of the machine, outside of the workspace', async () => {
    const store = temporaryFolder('store');
    const place = (name: string): string => join(store, `links/${name.replace('/', '+')}/x/node_modules/${name}`);
    await withFiles(SOURCES, async (root) => {
      const { writeFile } = await import('node:fs/promises');
      for (const [name, files] of Object.entries(PACKAGES))
        for (const [path, text] of Object.entries(files)) {
          await mkdir(dirname(join(place(name), path)), { recursive: true });
          await writeFile(join(place(name), path), text);
        }
      await link(root, 'node_modules/a', place('a'));
      await mkdir(join(dirname(place('a')), '@s'), { recursive: true });
      await symlink(place('@s/b'), join(dirname(place('a')), '@s/b'));
      const npm = await inLayout('npm');
      expect(await bundle(root)).toEqual({ ...npm, run: expect.any(String) });
    });
    await rm(store, { recursive: true, force: true });
  });
});

describe('names in a bundle', () => {
  const inputs = new Set(['node_modules/.pnpm/a@1/node_modules/a/x.js', 'src/é "q".cjs', 'node_modules/a/x.js']);

  it.each([
    ['var a=__commonJS({"node_modules/.pnpm/a@1/node_modules/a/x.js"(exports){}});', 'var a=__commonJS({"node_modules/a/x.js"(exports){}});'],
    ["var a=__esm({'node_modules/.pnpm/a@1/node_modules/a/x.js'(){}});", "var a=__esm({'node_modules/a/x.js'(){}});"],
    ['var a=__commonJS({"node_modules/a/x.js"(exports){}});', null],
    ['var a=__commonJS({\'src/\\xE9 "q".cjs\'(exports){}});', null],
    ['f({"node_modules/.pnpm/a@1/node_modules/a/x.js"(){}})', null],
    ['__commonJS({"node_modules/.pnpm/b@1/node_modules/b/x.js"(exports){}})', null],
    ['', null],
  ])('are those of packages, not of places: %s', (text, expected) => {
    expect(withPortableNames({ text }, inputs, '../').text).toBe(expected ?? text);
  });
});
