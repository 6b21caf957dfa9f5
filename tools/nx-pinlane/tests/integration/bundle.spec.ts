import { describe, expect, it } from '@jest/globals';
import { watch } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOf } from '@pinlane/testing';
import { writeBundle } from '../../src/images/bundle.ts';
import { contextOf, withFiles } from './support/verb-context.ts';

const OPTIONS = { entry: 'src/main.ts', output: 'dist/main.js', sourcemap: false };

describe('a bundle', () => {
  it('is prepared outside of the build context: a killed run leaves nothing there that an image could take', async () => {
    await withFiles({ 'processors/one/src/main.ts': 'console.log(0);\n' }, async (root) => {
      const context = contextOf(root, { project: 'one', projectRoot: 'processors/one' });
      const folder = join(root, 'processors/one');
      await mkdir(join(folder, 'dist'));
      const seen = new Set<string | null>();
      const watchers = [folder, join(folder, 'dist')].map((each) => watch(each, (_, name) => seen.add(name)));
      try {
        for (const sourcemap of [false, true, false]) {
          await writeFile(join(folder, 'src/main.ts'), `console.log(${sourcemap}, ${seen.size});\n`);
          await writeBundle({ ...OPTIONS, sourcemap }, context);
        }
        // What inotify has to tell is told in the next turns of the event loop.
        await new Promise((done) => setTimeout(done, 100));
      } finally {
        for (const watcher of watchers) watcher.close();
      }
      expect([...seen].sort()).toEqual(['dist', 'main.js', 'main.js.map', 'src'].filter((name) => seen.has(name)));
      expect(seen).toContain('main.js');
    });
  });

  it('that says the same stays as it is', async () => {
    await withFiles({ 'processors/one/src/main.ts': 'console.log(1);\n' }, async (root) => {
      const context = contextOf(root, { project: 'one', projectRoot: 'processors/one' });
      await writeBundle(OPTIONS, context);
      const before = await stat(join(root, 'processors/one/dist/main.js'));
      await writeBundle(OPTIONS, context);
      expect((await stat(join(root, 'processors/one/dist/main.js'))).ino).toBe(before.ino);
    });
  });

  it('is of its entry alone where the name of a folder is a pattern that others match', async () => {
    const files = { 'processors/o*e/src/main.ts': "console.log('starred');\n", 'processors/one/src/main.ts': "console.log('plain');\n" };
    await withFiles(files, async (root) => {
      const [bundle] = await writeBundle(OPTIONS, contextOf(root, { project: 'starred', projectRoot: 'processors/o*e' }));
      expect(bundle).toMatchObject({ path: 'processors/o*e/dist/main.js' });
    });
  });
});

describe('a bundle of a package that is not installed', () => {
  const problemOf = async (source: string, files: Record<string, string> = {}) => {
    let problem: unknown;
    await withFiles({ 'processors/one/src/main.ts': source, ...files }, async (root) => {
      [problem] = await problemsOf(() => writeBundle(OPTIONS, contextOf(root, { project: 'one', projectRoot: 'processors/one' })));
    });
    return problem;
  };

  it.each([
    ['npm ci', { 'package-lock.json': '{}' }],
    ['pnpm install', { 'pnpm-lock.yaml': '' }],
    ['yarn install', { 'yarn.lock': '' }],
    ['bun install', { 'bun.lock': '' }],
    ['npm install', {}],
  ] as [string, Record<string, string>][])('says where it is asked for, and to run %s', async (command, files) => {
    expect(await problemOf("\nimport once from '@s/once/lib.js';\nonce();\n", files)).toEqual({
      code: 'ERR_BUNDLE_FAILED',
      file: 'processors/one/src/main.ts',
      line: 2,
      column: 18,
      message: 'Could not resolve "@s/once/lib.js"',
      fix: expect.stringMatching(`^Install the packages of the workspace: ${command}\\. `),
    });
  });

  it('is another matter than a file that is not there', async () => {
    expect(await problemOf("import './missing.ts';\n")).not.toHaveProperty('fix');
  });
});
