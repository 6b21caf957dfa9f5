import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { writeBundle, type BundleOptions } from '../../src/images/bundle.ts';
import { contextOf, withFiles } from './support/verb-context.ts';

const OPTIONS = { entry: 'src/main.ts', output: 'dist/main.js', sourcemap: false };
const FILES = {
  'tsconfig.json': '{ "compilerOptions": { "paths": { "@acme/words": ["./libs/words/index.ts"] } } }',
  'libs/words/index.ts': "export const word = 'one';\n",
  'processors/one/src/main.ts': "import { word } from '@acme/words';\nimport a from 'a';\nimport { part } from './part';\nconsole.log(word, a, part);\n",
  'processors/one/src/part.js': "export const part = 'js';\n",
  'node_modules/a/package.json': '{ "version": "1.0.0", "main": "./index.js" }',
  'node_modules/a/index.js': "module.exports = require('./deep.js');\n",
  'node_modules/a/deep.js': "module.exports = 'deep';\n",
  'node_modules/.package-lock.json': '1',
  'node_modules/.pnpm/lock.yaml': '1',
};
const OUTPUT = 'processors/one/dist/main.js';

/** Bundles twice, changes something, and bundles again. @returns whether the bundler ran each time, and what was bundled at last */
const around = async (
  change: (root: string) => Promise<unknown>,
  { env = {}, ...options }: Partial<BundleOptions> & { readonly env?: Record<string, string> } = {},
) => {
  const ran: boolean[] = [];
  let text = '';
  await withFiles(FILES, async (root) => {
    const bundle = async (more: Partial<BundleOptions> = {}): Promise<void> => {
      const steps: string[] = [];
      const context = contextOf(root, { project: 'one', projectRoot: 'processors/one' });
      await writeBundle({ ...OPTIONS, ...more }, { ...context, env, progress: (step) => steps.push(step) });
      ran.push(steps.length > 0);
    };
    // What was written a moment before it is bundled is bundled again.
    await sleep(1_200);
    await bundle();
    await bundle();
    await change(root);
    await bundle(options);
    text = await readFile(join(root, OUTPUT), 'utf8');
  });
  return { ran, text };
};

const write = (path: string, text: string) => (root: string) => writeFile(join(root, path), text);

describe('a bundle of which nothing has changed', () => {
  it('is not made again, and has no map of an earlier one', async () => {
    expect((await around(write(`${OUTPUT}.map`, '{}'))).ran).toEqual([true, false, false]);
    expect((await around(write('processors/one/registry.yaml', 'image: {}\n'))).ran).toEqual([true, false, true]);
  });

  it.each<[string, (root: string) => Promise<unknown>, string]>([
    ['its entry is edited', write('processors/one/src/main.ts', "console.log('edited');\n"), 'edited'],
    ['a library is edited, and keeps its size', write('libs/words/index.ts', "export const word = 'two';\n"), 'two'],
    [
      'a tsconfig gives a name another meaning',
      (root) =>
        write(
          'libs/other.ts',
          "export const word = 'other';\n",
        )(root).then(() => write('tsconfig.json', '{ "compilerOptions": { "paths": { "@acme/words": ["./libs/other.ts"] } } }')(root)),
      'other',
    ],
    ['a file of a package is edited', write('node_modules/a/deep.js', "module.exports = 'DEEP';\n"), 'DEEP'],
    ['a package has another entry', write('node_modules/a/package.json', '{ "version": "1.0.1", "main": "./deep.js" }'), 'deep'],
    ['a file comes that is found before another', write('processors/one/src/part.ts', "export const part = 'ts';\n"), '"ts"'],
    // What a package asks for may then be another, and no folder that lies nearer says so: the one before is kept.
    ['npm installed something', write('node_modules/.package-lock.json', '2'), 'deep'],
    ['pnpm installed something', write('node_modules/.pnpm/lock.yaml', '2'), 'deep'],
    ['Yarn leads to packages in another way', write('.pnp.cjs', "throw new Error('not for a bundler');\n"), 'deep'],
    ['somebody wrote to the bundle', write(OUTPUT, "console.log('somebody');\n"), 'deep'],
    ['somebody removed the bundle', (root) => rm(join(root, OUTPUT)), 'deep'],
    ['its record is broken', write('.pinlane/cache/bundles/one.json', '{'), 'deep'],
    [
      'its record is a folder that nobody may read',
      (root) => rm(join(root, '.pinlane/cache/bundles/one.json')).then(() => chmod(join(root, '.pinlane/cache/bundles'), 0o000)),
      'deep',
    ],
  ])('is made again when %s', async (_title, change, expected) => {
    const { ran, text } = await around(change);
    expect([ran, text]).toEqual([[true, false, true], expect.stringContaining(expected)]);
  });

  it('is made again with other options, and in a lane that believes nothing of an earlier run', async () => {
    const nothing = async () => undefined;
    expect((await around(nothing, { sourcemap: true })).ran).toEqual([true, false, true]);
    expect((await around(nothing, { lane: 'pr' })).ran).toEqual([true, false, true]);
    expect((await around(nothing, { env: { PINLANE_LANE: 'pr' } })).ran).toEqual([true, true, true]);
  });
});
