import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { drain, problemsOf, temporaryFolder } from '@pinlane/testing';
import { readBuildContext, sha256 } from '../../src/index.ts';
import { writeFiles, type Files } from '../support/building.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const read = async (files: Files, options?: Parameters<typeof readBuildContext>[1]) => {
  await writeFiles(folder, { Dockerfile: 'FROM scratch\n', ...files });
  return readBuildContext(folder, options);
};
const paths = async (files: Files, options?: Parameters<typeof readBuildContext>[1]) => (await read(files, options)).entries.map(({ path }) => path);
const refusals = async (files: Files, options?: Parameters<typeof readBuildContext>[1]) =>
  (await problemsOf(() => read(files, options))).map(({ code, message }) => `${code} ${message}`);

describe('readBuildContext', () => {
  it('lists files, folders and links, sorted, with what matters of their modes', async () => {
    const { entries, dockerfile } = await read({
      'b/run.sh': { text: '#!/bin/sh\n', mode: 0o700 },
      'b/secret': { text: 'x', mode: 0o600 },
      'a-file': { text: 'shared', mode: 0o666 },
      empty: null,
      link: { link: 'b/run.sh' },
    });
    expect(dockerfile).toEqual({ path: 'Dockerfile', text: 'FROM scratch\n' });
    expect(entries).toEqual([
      { path: 'Dockerfile', type: 'file', mode: 0o644, size: 13, sha256: sha256('FROM scratch\n'), linkTarget: null },
      { path: 'a-file', type: 'file', mode: 0o644, size: 6, sha256: sha256('shared'), linkTarget: null },
      { path: 'b', type: 'directory', mode: 0o755, size: 0, sha256: null, linkTarget: null },
      { path: 'b/run.sh', type: 'file', mode: 0o755, size: 10, sha256: sha256('#!/bin/sh\n'), linkTarget: null },
      { path: 'b/secret', type: 'file', mode: 0o644, size: 1, sha256: sha256('x'), linkTarget: null },
      { path: 'empty', type: 'directory', mode: 0o755, size: 0, sha256: null, linkTarget: null },
      { path: 'link', type: 'symlink', mode: 0o777, size: 0, sha256: null, linkTarget: 'b/run.sh' },
    ]);
  });

  it('says the same after a change of times and modes that do not matter', async () => {
    const before = await read({ 'a/b': 'text' });
    await utimes(join(folder, 'a/b'), new Date(1e12), new Date(1e12));
    await chmod(join(folder, 'a/b'), 0o664);
    await chmod(join(folder, 'a'), 0o700);
    expect((await readBuildContext(folder)).entries).toEqual(before.entries);
  });

  it('sees that a large file was changed which it has hashed before, also where only its times tell', async () => {
    const large = (letter: string): Buffer => Buffer.alloc(2_000_000, letter);
    await writeFiles(folder, { Dockerfile: 'FROM scratch\n' });
    const path = join(folder, 'large');
    const writeAt = async (letter: string, when: Date): Promise<void> => {
      await writeFile(path, large(letter));
      await utimes(path, when, when);
    };
    await writeAt('a', new Date(1e12));
    // A file that was written a moment ago is not remembered.
    await setTimeout(1100);
    const hashOf = async () => (await readBuildContext(folder)).entries.find((entry) => entry.path === 'large')?.sha256;
    expect(await Promise.all([hashOf(), hashOf()])).toEqual([sha256(large('a')), sha256(large('a'))]);
    await writeAt('b', new Date(1e12));
    expect(await hashOf()).toBe(sha256(large('b')));
    await setTimeout(1100);
    expect([await hashOf(), await hashOf()]).toEqual([sha256(large('b')), sha256(large('b'))]);
  });

  it("has nothing of Pinlane's own: its folder in a whole workspace, and what a killed run left of a file", async () => {
    const files = {
      '.pinlane/store/index.json': '{}',
      'dist/.pinlane-4711-AbC_-9.tmp': 'half a bundle',
      'dist/main.js': 'whole',
      'a/.pinlane': 'a person wrote this',
    };
    expect(await paths(files)).toEqual(['Dockerfile', 'a', 'a/.pinlane', 'dist', 'dist/main.js']);
  });

  it('puts other content in place of a file’s, and nothing where there is no file', async () => {
    const context = await read({ 'registry.yaml': 'ref: a\n' }, { overrides: { 'registry.yaml': Buffer.from('{}'), absent: Buffer.from('x') } });
    expect(context.entries.map(({ path, sha256: hash, size }) => [path, hash, size])).toEqual([
      ['Dockerfile', sha256('FROM scratch\n'), 13],
      ['registry.yaml', sha256('{}'), 2],
    ]);
    expect((await drain(context.open('registry.yaml'))).toString()).toBe('{}');
  });

  describe('.dockerignore', () => {
    it('takes an allow-list', async () => {
      const files = {
        '.dockerignore': '*\n!dist\n!registry.yaml\n',
        'dist/main.js': '1',
        'dist/sub/x': '1',
        'src/a.ts': '1',
        'registry.yaml': '1',
        'node_modules/x/y': '1',
      };
      expect(await paths(files)).toEqual(['dist', 'dist/main.js', 'dist/sub', 'dist/sub/x', 'registry.yaml']);
    });

    it('lets a file deep in an ignored folder come back, with the folders above it', async () => {
      const files = { '.dockerignore': 'a\n!a/b/keep\n!**/*.md\n', 'a/b/keep': '1', 'a/b/drop': '1', 'a/c/x.md': '1', 'a/d/x.txt': '1' };
      expect(await paths(files)).toEqual(['.dockerignore', 'Dockerfile', 'a', 'a/b', 'a/b/keep', 'a/c', 'a/c/x.md']);
    });

    it('lets the last matching line decide', async () => {
      expect(await paths({ '.dockerignore': '*.md\n!README.md\nREADME*\n', 'README.md': '1', 'b.md': '1', 'c.txt': '1' })).toEqual([
        '.dockerignore',
        'Dockerfile',
        'c.txt',
      ]);
    });

    it('is case-sensitive, matches from the root, and knows comments', async () => {
      const files = { '.dockerignore': '# a comment\n  /Temp/  \nb?r\n', temp: '1', 'Temp/x': '1', 'sub/Temp': '1', bar: '1', 'sub/bar': '1' };
      expect(await paths(files)).toEqual(['.dockerignore', 'Dockerfile', 'sub', 'sub/Temp', 'sub/bar', 'temp']);
    });

    it('takes characters of regular expressions for what they are', async () => {
      expect(await paths({ '.dockerignore': 'a+b\n(c)\n{d}\nx|y\n', 'a+b': '1', aab: '1', '(c)': '1', c: '1', '{d}': '1', 'x|y': '1', x: '1' })).toEqual([
        '.dockerignore',
        'Dockerfile',
        'aab',
        'c',
        'x',
      ]);
    });

    it('works for files that are named like what every object has', async () => {
      expect(await paths({ '.dockerignore': '*\n!ok\n', constructor: '1', __proto__x: '1', toString: '1', ok: '1' })).toEqual(['ok']);
    });

    it('beside the Dockerfile goes before the one at the root', async () => {
      const files = { '.dockerignore': '*', 'docker/Dockerfile.dockerignore': 'drop\n', 'docker/Dockerfile': 'FROM a\n', drop: '1', keep: '1' };
      const context = await read(files, { dockerfile: 'docker/Dockerfile' });
      expect(context.dockerfile.text).toBe('FROM a\n');
      expect(context.entries.map(({ path }) => path)).toContain('keep');
      expect(context.entries.map(({ path }) => path)).not.toContain('drop');
    });

    it('does not hide the Dockerfile from the build', async () => {
      const context = await read({ '.dockerignore': '*\n' });
      expect(context.entries).toEqual([]);
      expect(context.dockerfile.text).toBe('FROM scratch\n');
    });

    it('with a malformed pattern is refused', async () => {
      expect(await refusals({ '.dockerignore': '[a\n' })).toEqual([expect.stringContaining('ERR_CONTEXT_INVALID')]);
    });

    it('keeps the walk out of ignored folders', async () => {
      await mkdir(join(folder, 'node_modules/x'), { recursive: true });
      execFileSync('mkfifo', [join(folder, 'node_modules/x/pipe')]);
      expect(await paths({ '.dockerignore': 'node_modules\n' })).toEqual(['.dockerignore', 'Dockerfile']);
    });
  });

  describe('hostile contexts', () => {
    it('reads links as links, wherever they lead', async () => {
      const links = { 'a/up': '../../etc/passwd', abs: '/etc/passwd', dots: '..', dangling: 'nowhere/at/all', loop: 'loop', 'a/ok': '../fine' };
      const { entries } = await read({ ...Object.fromEntries(Object.entries(links).map(([path, link]) => [path, { link }])), fine: 'x' });
      expect(Object.fromEntries(entries.flatMap(({ path, linkTarget }) => (linkTarget === null ? [] : [[path, linkTarget]])))).toEqual(links);
    });

    it('tells what no image can hold apart from what one can', async () => {
      await mkdir(join(folder, 'sub'));
      for (const pipe of ['pipe', 'sub/pipe', 'ignored']) execFileSync('mkfifo', [join(folder, pipe)]);
      await writeFile(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xe9])]), 'x');
      await symlink(Buffer.from([0xff]), join(folder, 'to-bad'));
      await writeFile(join(folder, 'new\nline'), 'x');
      await mkdir(join(folder, 'tab\t/below'), { recursive: true });
      const server: Server = createServer();
      await new Promise<void>((done) => server.listen(join(folder, 'sock'), done));
      try {
        const { odd, entries } = await read({ '.dockerignore': 'ignored\n', 'bad-é': 'x' });
        expect(odd.map(({ path, why }) => `${path} ${why}`)).toEqual([
          'bad-\udce9 has a name that is not UTF-8',
          'new\nline has a name with control characters in it',
          'pipe is a pipe',
          'sock is a socket',
          'sub/pipe is a pipe',
          'tab\t has a name with control characters in it',
          'to-bad is a link to a name that is not UTF-8',
        ]);
        expect(entries.map(({ path }) => path)).toEqual(['.dockerignore', 'Dockerfile', 'bad-é', 'sub']);
      } finally {
        await new Promise((done) => server.close(done));
      }
    });

    it.each([
      ['a pipe', '.dockerignore', (path: string) => void execFileSync('mkfifo', [path])],
      ['a folder', '.dockerignore', (path: string) => mkdir(path)],
      ['a pipe', 'Dockerfile', (path: string) => void execFileSync('mkfifo', [path])],
      ['too large', '.dockerignore', (path: string) => writeFile(path, 'a\n'.repeat(3_000_000))],
      ['not UTF-8', '.dockerignore', (path: string) => writeFile(path, Buffer.from([0x2a, 0xff]))],
      ['not UTF-8', 'Dockerfile', (path: string) => writeFile(path, Buffer.from([0x46, 0xff]))],
    ])('refuses %s in place of the %s, and waits for nothing', async (_, name, make) => {
      if (name !== 'Dockerfile') await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
      await make(join(folder, name));
      expect((await problemsOf(() => readBuildContext(folder))).map(({ code }) => code)).toEqual(['ERR_CONTEXT_INVALID']);
    });

    it('refuses a Dockerfile outside of the context, by path or by link', async () => {
      const outside = temporaryFolder('oci');
      await writeFiles(outside, { Dockerfile: 'FROM x\n' });
      expect(await refusals({}, { dockerfile: '../Dockerfile' })).toEqual([expect.stringContaining('ERR_PATH_ESCAPES')]);
      expect(await refusals({ other: { link: join(outside, 'Dockerfile') } }, { dockerfile: 'other' })).toEqual([expect.stringContaining('ERR_PATH_ESCAPES')]);
    });

    it('says which Dockerfile or folder is not there', async () => {
      expect(await refusals({}, { dockerfile: 'Nope' })).toEqual([expect.stringMatching(/^ERR_CONTEXT_INVALID Nope is not in the build context/)]);
      expect((await problemsOf(() => readBuildContext(join(folder, 'absent')))).map(({ code }) => code)).toEqual(['ERR_CONTEXT_INVALID']);
    });
  });
});
