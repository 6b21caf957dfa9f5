import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { bundleFilesOf, bundlerVersion } from '../../src/nx/inference/bundle-files.ts';
import { createBundleDependencies } from '../../src/nx/inference/create-dependencies.ts';
import { outsideInputs } from '../../src/nx/inference/outside-inputs.ts';

const ENTRY = 'processors/one/src/main.ts';

let root: string;
beforeEach(() => {
  root = temporaryFolder('bundle-files');
});

const write = async (files: Record<string, string>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
};
const look = (entries: readonly string[] = [ENTRY]) => bundleFilesOf(root, entries, () => undefined);
const filesNow = async () => (await look()).get(ENTRY)?.files;

const LIBRARY = { 'libs/words/src/index.ts': "export { word } from './word.ts';\n", 'libs/words/src/word.ts': "export const word = 'one';\n" };
const WORDS = ['libs/words/src/index.ts', 'libs/words/src/word.ts', ENTRY];

describe('what a bundle is made of', () => {
  it.each<[string, Record<string, string>, string, (() => Promise<unknown>)?]>([
    ['by a relative path', {}, '../../../libs/words/src/index.ts'],
    ['by an alias of tsconfig', { 'tsconfig.json': '{ "compilerOptions": { "paths": { "@acme/*": ["./libs/*/src/index.ts"] } } }' }, '@acme/words'],
    [
      'by an alias of a tsconfig that another one extends',
      {
        'tsconfig.base.json': '{ "compilerOptions": { "baseUrl": ".", "paths": { "@acme/*": ["libs/*/src/index.ts"] } } }',
        'processors/one/tsconfig.json': '{ "extends": "../../tsconfig.base.json" }',
      },
      '@acme/words',
    ],
    [
      'by a package of the workspace, as npm and yarn link it',
      { 'libs/words/package.json': '{ "name": "@acme/words", "exports": "./src/index.ts" }' },
      '@acme/words',
      async () => {
        await mkdir(join(root, 'node_modules/@acme'), { recursive: true });
        await symlink('../../libs/words', join(root, 'node_modules/@acme/words'));
      },
    ],
    [
      'by a package of the workspace, as pnpm links it',
      { 'libs/words/package.json': '{ "name": "@acme/words", "exports": "./src/index.ts" }' },
      '@acme/words',
      async () => {
        await mkdir(join(root, 'processors/one/node_modules/@acme'), { recursive: true });
        await symlink('../../../../libs/words', join(root, 'processors/one/node_modules/@acme/words'));
      },
    ],
  ])('has a library that it imports %s', async (...[, files, name, link]) => {
    await write({ ...LIBRARY, ...files, [ENTRY]: `import { word } from '${name}';\nconsole.log(word);\n` });
    await link?.();
    expect(await filesNow()).toEqual(WORDS);
  });

  it('has JSON and what is imported for nothing, and no types', async () => {
    await write({
      [ENTRY]:
        "import data from '../../../shared/data.json';\nimport type { T } from '../../../shared/types.ts';\nimport { unused } from '../../../shared/unused.ts';\nconsole.log(data as T);\n",
      'shared/data.json': '{}',
      'shared/types.ts': 'export type T = unknown;\n',
      'shared/unused.ts': 'export const unused = 1;\n',
    });
    expect(await filesNow()).toEqual([ENTRY, 'shared/data.json']);
  });

  it('has the packages that it imports, with the versions that are installed, under npm and under pnpm', async () => {
    await write({
      [ENTRY]:
        "import a from 'a';\nimport { c } from '@b/c';\nimport d from '@b/c/d';\nimport * as fs from 'node:fs';\nimport 'os';\nconsole.log(a, c, d, fs);\n",
      'node_modules/a/package.json': '{ "name": "a", "version": "1.2.3" }',
      'node_modules/a/index.js': "module.exports = require('deep');\n",
      'node_modules/.pnpm/@b+c@4.5.6/node_modules/@b/c/package.json':
        '{ "name": "@b/c", "version": "4.5.6", "type": "module", "exports": { ".": "./c.js", "./d": "./d.js" } }',
      'node_modules/.pnpm/@b+c@4.5.6/node_modules/@b/c/d.js': 'export default 1;\n',
      'node_modules/.pnpm/@b+c@4.5.6/node_modules/@b/c/c.js': 'export const c = 1;\n',
    });
    await mkdir(join(root, 'node_modules/@b'));
    await symlink('../.pnpm/@b+c@4.5.6/node_modules/@b/c', join(root, 'node_modules/@b/c'));
    expect((await look()).get(ENTRY)).toMatchObject({ files: [ENTRY], packages: ['@b/c@4.5.6', 'a@1.2.3'] });
  });

  it('is unknown for a source that can not be bundled, and for no other', async () => {
    const others = [0, 1, 2].map((at) => `processors/p${at}/src/main.ts`);
    await write({ [ENTRY]: "import './nothing.ts';\n", ...Object.fromEntries(others.map((path) => [path, 'console.log(1);\n'])) });
    const found = await look([others[0]!, ENTRY, others[1]!, others[2]!, 'processors/gone/src/main.ts']);
    expect(found.get(ENTRY)).toBeNull();
    expect(found.get('processors/gone/src/main.ts')).toBeNull();
    for (const path of others) expect(found.get(path)?.files).toEqual([path]);
  });
});

describe('what is kept of it', () => {
  const START = {
    ...LIBRARY,
    'package.json': '{ "type": "module" }',
    'tsconfig.json': '{}',
    [ENTRY]: "import { word } from '../../../libs/words/src/index.ts';\nconsole.log(word);\n",
  };

  /** Whether the bundler was asked again: what is kept is told from what is found by a word in the file. */
  it.each<[string, () => Promise<unknown>, readonly string[]]>([
    ['the entry imports another file', () => write({ [ENTRY]: "import '../../../libs/words/src/word.ts';\n" }), ['libs/words/src/word.ts', ENTRY]],
    ['a library does', () => write({ 'libs/words/src/index.ts': 'export const word = 1;\n' }), ['libs/words/src/index.ts', ENTRY]],
    [
      'a tsconfig gives a name another meaning',
      async () => {
        await write({
          [ENTRY]: "import '@acme/word';\n",
          'tsconfig.json': '{ "compilerOptions": { "paths": { "@acme/word": ["./libs/words/src/word.ts"] } } }',
        });
        expect(await filesNow()).toEqual(['libs/words/src/word.ts', ENTRY]);
        await write({ 'tsconfig.json': '{ "compilerOptions": { "paths": { "@acme/word": ["./libs/words/src/index.ts"] } } }' });
      },
      WORDS,
    ],
    ['a library is gone', () => rm(join(root, 'libs/words/src/word.ts')), []],
    [
      'a file comes that is found before another',
      async () => {
        await write({ [ENTRY]: "import './part';\n", 'processors/one/src/part.js': '' });
        expect(await filesNow()).toEqual([ENTRY, 'processors/one/src/part.js']);
        await write({ 'processors/one/src/part.ts': '' });
      },
      [ENTRY, 'processors/one/src/part.ts'],
    ],
  ])('is of no use when %s', async (_title, change, expected) => {
    await write(START);
    expect(await filesNow()).toEqual(WORDS);
    await change();
    expect((await filesNow()) ?? []).toEqual(expected);
  });

  it('is of use as long as nothing changes, and is not believed where somebody edited it', async () => {
    await write(START);
    const first = await look();
    const path = join(root, '.pinlane/cache/bundle-files.json');
    const before = execFileSync('stat', ['-c', '%Y.%i', path], { encoding: 'utf8' });
    expect(await look()).toEqual(first);
    expect(execFileSync('stat', ['-c', '%Y.%i', path], { encoding: 'utf8' })).toBe(before);
    await writeFile(path, '{"format":"bundle files 1","seal":"x"}\n{}');
    await utimes(path, 1, 1);
    expect(await look()).toEqual(first);
  });
});

describe('what Nx is told of it', () => {
  const external = (packageName: string, version: string) => ({
    type: 'npm' as const,
    name: `npm:${packageName}@${version}` as const,
    data: { packageName, version },
  });
  const bundled = { bundle: { executor: '@pinlane/nx:bundle' }, buildx: { executor: '@pinlane/nx:buildx' } };
  const edges = async (makers: Record<string, ReturnType<typeof external>> = {}) => {
    const context = {
      workspaceRoot: root,
      projects: {
        one: { root: 'processors/one', targets: bundled },
        two: { root: 'processors/two', targets: { ...bundled, bundle: { executor: '@pinlane/nx:bundle', options: { entry: 'src/other.ts' } } } },
        words: { root: 'libs/words' },
        deep: { root: 'libs/words/src/deep' },
        unrelated: { root: 'libs/unrelated' },
      },
      externalNodes: { 'npm:a': external('a', '1.0.0'), 'npm:a@2.0.0': external('a', '2.0.0'), 'npm:b': external('b', '9.9.9'), ...makers },
    };
    const found = await createBundleDependencies(undefined, context as never);
    return found.map(({ source, target, type }) => `${source} ${target} ${type}`).sort();
  };

  it('is an edge to every project and package, by the entry that the target names', async () => {
    await write({
      ...LIBRARY,
      'libs/words/src/deep/x.ts': 'export {};\n',
      'processors/one/src/main.ts': "import '../../../libs/words/src/index.ts';\nimport 'a';\nimport 'b';\n",
      'processors/two/src/other.ts': "import '../../../libs/words/src/deep/x.ts';\n",
      'node_modules/a/package.json': '{ "version": "2.0.0" }',
      'node_modules/a/index.js': '',
      'node_modules/b/package.json': '{ "version": "1.0.0" }',
      'node_modules/b/index.js': '',
    });
    expect(await edges()).toEqual(['one npm:a@2.0.0 implicit', 'one npm:b implicit', 'one words implicit', 'two deep implicit']);
  });

  it('is an edge to what bundles: this plugin and its version of the bundler, where Nx knows them as packages', async () => {
    await write({ 'processors/one/src/main.ts': '', 'processors/two/src/other.ts': '' });
    const makers = {
      'npm:@pinlane/nx': external('@pinlane/nx', 'file:pinlane-nx.tgz'),
      'npm:esbuild': external('esbuild', bundlerVersion()),
      'npm:esbuild@0.1.0': external('esbuild', '0.1.0'),
    };
    expect(await edges(makers)).toEqual(['one', 'two'].flatMap((one) => [`${one} npm:@pinlane/nx implicit`, `${one} npm:esbuild implicit`]));
  });

  it('is an edge to every library where nobody knows what a bundle is made of', async () => {
    await write({ 'processors/one/src/main.ts': 'this is no TypeScript ((', 'processors/two/src/other.ts': '' });
    expect(await edges()).toEqual(['one deep implicit', 'one unrelated implicit', 'one words implicit']);
  });

  it.each<[string, Parameters<typeof outsideInputs>[1], readonly string[]]>([
    ['nothing, if there is no bundle', undefined, []],
    ['everything, if nobody knows', null, ['{workspaceRoot}/**/*']],
    [
      'the folders of sources outside, and configuration',
      {
        files: ['libs/w/src/a.ts', 'libs/w/src/b.ts', 'processors/one/src/main.ts', 'x.json', '../up/y.ts'],
        configuration: ['package.json', 'processors/one/tsconfig.json'],
        packages: [],
      },
      ['{workspaceRoot}/*', '{workspaceRoot}/libs/w/src/*', '{workspaceRoot}/package.json'],
    ],
    ['everything, if a folder is a pattern to Nx', { files: ['libs/(w)/a.ts'], configuration: [], packages: [] }, ['{workspaceRoot}/**/*']],
  ])('is an input for %s', (_title, known, expected) => {
    expect(outsideInputs('processors/one', known)).toEqual(expected);
  });
});
