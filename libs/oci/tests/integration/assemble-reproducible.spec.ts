import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { openStore, type Store } from '../../src/index.ts';
import { build, writeFiles, type Files } from '../support/building.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = temporaryFolder('oci');
  store = openStore(join(folder, 'store'));
});

const DOCKERFILE = `FROM scratch
ARG TARGETARCH
LABEL arch=$TARGETARCH
WORKDIR /app
COPY . ./
COPY --chown=1000:1000 dist/ /other/
USER 1000:1000
ENTRYPOINT ["/app/run.sh"]
`;
const FILES: Files = {
  Dockerfile: DOCKERFILE,
  '.dockerignore': 'ignored\n',
  'dist/main.js': 'console.log(1);\n',
  'dist/ünï.txt': 'x',
  [`dist/${'long-'.repeat(30)}/${'longer-'.repeat(20)}.txt`]: 'y',
  'run.sh': { text: '#!/bin/sh\n', mode: 0o755 },
  link: { link: 'dist/main.js' },
};
const reversed: Files = Object.fromEntries(Object.entries(FILES).reverse());

/** The index digest of a folder, from a store of its own so that nothing can be taken from a cache. */
const digestOf = async (context: string): Promise<string> => {
  const { index, platforms } = await build(context, openStore(join(folder, `store-${Math.random()}`)));
  expect(platforms.amd64!.digest).not.toBe(platforms.arm64!.digest);
  return index.digest;
};
const contextAt = async (path: string, files: Files = FILES): Promise<string> => {
  const context = join(folder, path);
  await mkdir(context, { recursive: true });
  await writeFiles(context, files);
  return context;
};
const eachEntry = async (context: string, change: (path: string) => Promise<void>): Promise<void> => {
  for (const name of await readdir(context, { recursive: true })) await change(join(context, name));
};

describe('the digest of an image', () => {
  it('is this one, for ever, on every machine', async () => {
    expect(await digestOf(await contextAt('context'))).toBe('sha256:6cb8f2ce9f64680c3d572070557f504fdf750d45208af42e9c51a9fc630daeaa');
  });

  it('does not change with the path, nor with a second run', async () => {
    const first = await contextAt('one');
    const digest = await digestOf(first);
    expect(await digestOf(first)).toBe(digest);
    expect(await digestOf(await contextAt('a/much/deeper path/ü'))).toBe(digest);
  });

  it('does not change with the order in which files were made', async () => {
    expect(await digestOf(await contextAt('reversed', reversed))).toBe(await digestOf(await contextAt('straight')));
  });

  it('does not change with times', async () => {
    const context = await contextAt('context');
    const digest = await digestOf(context);
    await eachEntry(context, async (path) => {
      if (!(await lstat(path)).isSymbolicLink()) await utimes(path, new Date(1_000_000_000_000), new Date(1_234_567_890_123));
    });
    expect(await digestOf(context)).toBe(digest);
  });

  it('does not change with the umask', async () => {
    const context = await contextAt('context');
    const digest = await digestOf(context);
    for (const [files, folders] of [
      [0o600, 0o700],
      [0o664, 0o775],
      [0o666, 0o777],
    ] as const) {
      await eachEntry(context, async (path) => {
        const about = await lstat(path);
        if (about.isSymbolicLink()) return;
        await chmod(path, about.isDirectory() ? folders : files | (about.mode & 0o100 ? 0o111 & folders : 0));
      });
      expect(await digestOf(context)).toBe(digest);
    }
  });

  it('does not change with the owner of the files', async () => {
    const context = await contextAt('context');
    const digest = await digestOf(context);
    // Only root may give files away; for others the owner is another one than root already.
    if (process.getuid?.() === 0) await eachEntry(context, (path) => (path.endsWith('link') ? Promise.resolve() : chown(path, 4321, 1234)));
    expect(await digestOf(context)).toBe(digest);
  });

  it('does not change with time zone and locale', async () => {
    const context = await contextAt('context');
    const digest = await digestOf(context);
    const script = `
      import { readBuildContext, parseDockerfile, assembleImage, openStore } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
      const context = await readBuildContext(${JSON.stringify(context)});
      const { index } = await assembleImage({ context, dockerfile: parseDockerfile(context.dockerfile.text, 'Dockerfile'), platforms: ['linux/arm64', 'linux/amd64'],
        buildArgs: {}, labels: {}, resolveBase: () => { throw new Error('no base'); }, store: openStore(${JSON.stringify(join(folder, 'other-store'))}),
        progress: () => {}, signal: new AbortController().signal });
      console.log(index.digest);`;
    const env = { PATH: process.env['PATH'], TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', SOURCE_DATE_EPOCH: '1700000000' };
    const printed = execFileSync(process.execPath, ['--conditions=@pinlane/source', '--input-type=module', '-e', script], {
      env,
      cwd: folder,
      encoding: 'utf8',
    });
    expect(printed.trim()).toBe(digest);
  });

  it('does not change with hard links among the files, nor with what is ignored', async () => {
    const digest = await digestOf(await contextAt('apart', { ...FILES, 'same.js': 'console.log(1);\n' }));
    const linked = await contextAt('linked');
    execFileSync('ln', [join(linked, 'dist/main.js'), join(linked, 'same.js')]);
    await writeFile(join(linked, 'ignored'), 'x');
    expect(await digestOf(linked)).toBe(digest);
  });

  it('is that of one platform whether it is built alone or with the other', async () => {
    const context = await contextAt('context');
    const both = await build(context, store);
    const alone = await build(context, openStore(join(folder, 'alone')), { platforms: ['linux/arm64'] });
    expect(alone.platforms).toEqual({ arm64: both.platforms.arm64 });
  });

  it.each([
    ['content', { 'dist/main.js': 'console.log(2);\n' }],
    ['the execute bit', { 'dist/main.js': { text: 'console.log(1);\n', mode: 0o755 } }],
    ['a new file', { 'dist/new': '' }],
    ['a new folder', { 'dist/new': null }],
    ['the Dockerfile', { Dockerfile: `${DOCKERFILE}LABEL x=1\n` }],
  ] as const)('changes with %s', async (_, change) => {
    expect(await digestOf(await contextAt('changed', { ...FILES, ...(change as Files) }))).not.toBe(await digestOf(await contextAt('same')));
  });
});
