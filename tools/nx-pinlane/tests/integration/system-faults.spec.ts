import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { requirement, runs } from '@pinlane/testing';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

const bin = resolve(import.meta.dirname, '../../bin/pinlane.mjs');

/** Runs a script of the shell in which `pinlane` is the command, in the workspace. */
const shell = (root: string, script: string, { before = [] as readonly string[] } = {}): Promise<{ exitCode: number | null; stdout: string; stderr: string }> =>
  new Promise((done, failed) => {
    const pinlane = `pinlane() { ${process.execPath} ${bin} "$@"; }\n`;
    const [command = '', ...args] = [...before, 'bash', '-c', `${pinlane}${script}`];
    const child = spawn(command, args, { cwd: root, env: { PATH: process.env['PATH'], HOME: root }, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.on('error', failed).on('close', (exitCode) => done({ exitCode, ...said }));
  });

const mounts = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=16k tmpfs /mnt && mount -o remount,ro /mnt']).status === 0;
const root = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;

const NAMESPACE = ['unshare', '-rm'];
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Everything that is said of a fault of the system has a code of its own, a path and a remedy. */
const expectNamed = ({ exitCode, stderr }: { exitCode: number | null; stderr: string }, code: string, path: RegExp): void => {
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^${code}: [^\\n]*${path.source}[^\\n]*\\nfix: [A-Z]`, 'm'))]);
  expect(stderr).not.toMatch(/ERR_INTERNAL|Report it|\n {4}at /);
};

const describeMounts = requirement('namespaces', mounts ? null : 'unshare -rm and mount', describe);
const describeUsers = requirement('users', root ? null : 'root and setpriv', describe);

describeMounts('A fault of a file system', () => {
  it(
    'is named where no space is left, and where a folder is read-only',
    () =>
      withWorkspace(async ({ root: folder, pinlane }) => {
        const full = 'mkdir -p .pinlane && mount -t tmpfs -o size=16k tmpfs .pinlane';
        expectNamed(await shell(folder, `${full} && pinlane buildx acme-base`, { before: NAMESPACE }), 'ERR_NO_SPACE', /\.pinlane\/store\//);
        await pinlane('pin', 'acme-base');
        const verdict = await shell(folder, `${full}; head -c 16384 /dev/zero > .pinlane/full; pinlane verify-pins`, { before: NAMESPACE });
        expectNamed(verdict, 'ERR_NO_SPACE', /\.pinlane\//);
        expect(verdict.stdout).toContain('3 pins of 4 processors');
        const readOnly = (path: string) => `mount --bind ${path} ${path} && mount -o remount,ro,bind ${path}; echo new > processors/acme-base/packages.txt`;
        expectNamed(await shell(folder, `${readOnly('.pinlane')}; pinlane buildx acme-base`, { before: NAMESPACE }), 'ERR_READ_ONLY', /\.pinlane\//);
        const audit = await shell(folder, `${readOnly('.pinlane')}; pinlane verify-pins`, { before: NAMESPACE });
        expectNamed(audit, 'ERR_READ_ONLY', /\.pinlane\//);
        expect(audit.stdout).toContain('every pin is there');
        expectNamed(await shell(folder, `${readOnly('processors')}; pinlane pin acme-base`, { before: NAMESPACE }), 'ERR_READ_ONLY', /processors\/acme-base\//);
      }),
    120_000,
  );
});

describeUsers('A fault of a right', () => {
  it(
    'is named where a user may not read or write',
    () =>
      withWorkspace(async ({ root: folder, pinlane }) => {
        await chmod(folder, 0o755);
        await pinlane('pin', 'acme-base');
        expectNamed(await shell(folder, 'pinlane verify-pins', { before: NOBODY }), 'ERR_PERMISSION', /\.pinlane\//);
        await chmod(join(folder, 'processors/acme-base/registry.yaml'), 0o600);
        expectNamed(await shell(folder, 'pinlane pin processors/acme-base', { before: NOBODY }), 'ERR_PERMISSION', /processors\/acme-base\/registry\.yaml/);
        const others = await shell(folder, 'pinlane verify-pins', { before: NOBODY });
        expect(others.stdout).toMatch(/\?  unknown {2}\(processors\/acme-base\/registry\.yaml\)\n {2}- ERR_PERMISSION: /);
        expect(others.stdout).toContain('0 pins of 4 processors (1 unknown, 3 unpinned)');
      }),
    120_000,
  );
});

describe('A fault of the system', () => {
  it('is named where names are too long, links lead in circles, or a folder is where a file should be', async () => {
    await withWorkspace(async ({ root: folder, pinlane }) => {
      const long = 'x'.repeat(300);
      const report = await pinlane('bundle', 'acme-one', `--main=${long}.ts`);
      expect([report.exitCode, report.output]).toEqual([1, expect.stringMatching(/^ERR_(?!INTERNAL)/m)]);
      await rm(join(folder, 'processors/acme-base/registry.yaml'));
      symlinkSync('registry.yaml', join(folder, 'processors/acme-base/registry.yaml'));
      const loop = await pinlane('verify-pins', '--json');
      expect([loop.exitCode, loop.stdout]).toEqual([1, expect.stringContaining('"code":"ERR_REGISTRY_SYNTAX"')]);
      expect(loop.stdout).toContain('ELOOP');
    });
  }, 60_000);

  it('of the output is told, unless it is a reader that has seen enough', async () => {
    await withWorkspace(async ({ root: folder }) => {
      const quiet = await shell(folder, 'set -o pipefail; pinlane verify-pins --json | true; echo "exit ${PIPESTATUS[0]}"');
      expect([quiet.stdout, quiet.stderr]).toEqual(['exit 0\n', expect.not.stringMatching(/EPIPE|\n {4}at /)]);
      expectNamed(await shell(folder, 'pinlane verify-pins > /dev/full'), 'ERR_NO_SPACE', /stdout/);
      expect((await shell(folder, 'pinlane --help > /dev/full')).exitCode).toBe(1);
    });
  }, 60_000);
});

/** What somebody, or something, may put in the place of a file that Pinlane keeps. */
const BROKEN: [string, (path: string) => void][] = [
  ['text that is no JSON', (path) => spawnSync('sh', ['-c', `echo '{' > ${path}`])],
  ['JSON of another kind', (path) => spawnSync('sh', ['-c', `echo '[1]' > ${path}`])],
  ['a field of another type', (path) => spawnSync('sed', ['-i', 's/"schemaVersion": 1/"schemaVersion": "1"/; s/"format":[0-9]*/"format":"4"/', path])],
  ['nothing', (path) => spawnSync('truncate', ['-s', '0', path])],
  ['a hundred megabytes', (path) => spawnSync('truncate', ['-s', '100M', path])],
  ['a folder', (path) => (spawnSync('rm', [path]), mkdirSync(join(path, 'with'), { recursive: true }))],
  ['a pipe', (path) => (spawnSync('rm', [path]), spawnSync('mkfifo', [path]))],
  ['a link to an endless device', (path) => (spawnSync('rm', [path]), symlinkSync('/dev/zero', path))],
  ['a link to itself', (path) => (spawnSync('rm', [path]), symlinkSync(path, path))],
];

/** Those that the cache of the inference is tried with, too: all of them in `npm run fuzz`. */
const OF_NX = new Set(runs(1) > 1 ? BROKEN.map(([what]) => what) : ['text that is no JSON', 'a field of another type', 'a pipe', 'a link to itself']);

/** Puts it there, and leaves the file alone if the workspace has it no more. */
const spoil = async ({ root: folder }: TestWorkspace, file: string, put: (path: string) => void): Promise<void> => {
  const path = join(folder, file);
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  await mkdir(join(path, '..'), { recursive: true });
  put(path);
};

describe('A file that Pinlane keeps and somebody has broken', () => {
  it('is ignored with a note, and written anew', async () => {
    await withWorkspace(async (workspace) => {
      const { pinlane, read, nx } = workspace;
      const [record, journal, cache] = ['.pinlane/builds/acme-base.json', '.pinlane/journal/acme-base.json', '.pinlane/cache/inference.json'];
      // Found by its pin, an image does not tell who built it.
      const imageIn = (text: string): object => ({ ...(JSON.parse(text) as object), engine: null });
      const built = imageIn((await pinlane('buildx', 'acme-base', '--json')).stdout);
      await nx('show', 'projects');
      for (const [what, put] of BROKEN) {
        const spoilNow = (file: string) => (what === 'a field of another type' ? put(join(workspace.root, file)) : spoil(workspace, file, put));
        await spoilNow(record);
        await spoil(workspace, journal, put);
        const pinned = await pinlane('pin', 'acme-base');
        expect([what, pinned.exitCode]).toEqual([what, 0]);
        expect([what, pinned.stderr]).toEqual([what, expect.stringMatching(/^WARNING .*acme-base\.json is ignored, because it /m)]);
        expect([what, imageIn(await read(record))]).toEqual([what, built]);

        // One reader has them all; Nx takes its time.
        if (!OF_NX.has(what)) continue;
        await spoilNow(cache);
        const shown = await nx('show', 'projects');
        expect([what, shown.exitCode, shown.stdout]).toEqual([what, 0, expect.stringContaining('acme-base')]);
        expect([what, shown.stderr]).toEqual([what, expect.stringMatching(/^WARNING .*inference\.json is ignored, because /m)]);
        // Written anew, it is read without a word.
        expect([what, await read(cache)]).toEqual([what, expect.stringContaining('acme-base')]);
      }
      expect((await nx('show', 'projects')).stderr).not.toContain('WARNING');
    });
  }, 300_000);

  it('is not believed: facts of another processor, and the record of another image', async () => {
    await withWorkspace(async ({ pinlane, read, write, nx }) => {
      await nx('show', 'projects');
      await write({ '.pinlane/cache/inference.json': (await read('.pinlane/cache/inference.json')).replaceAll('acme-three', 'evil-three') });
      const shown = await nx('show', 'projects');
      expect([shown.exitCode, shown.stdout]).toEqual([0, expect.not.stringContaining('evil')]);
      expect(shown.stderr).toContain('WARNING');
      const built = (await pinlane('buildx', 'acme-base', '--json')).stdout;
      const record = await read('.pinlane/builds/acme-base.json');
      await write({ 'processors/acme-base/packages.txt': 'other\n' });
      const other = JSON.parse((await pinlane('buildx', 'acme-base', '--json')).stdout) as { index: string; fingerprint: string };
      // The old source again, with a record that names the other image for it.
      const forged = { ...(JSON.parse(record) as { index: string }), index: other.index };
      await write({ 'processors/acme-base/packages.txt': 'libc6\n', '.pinlane/builds/acme-base.json': JSON.stringify(forged) });
      const again = await pinlane('buildx', 'acme-base', '--json');
      expect([again.exitCode, JSON.parse(again.stdout)]).toEqual([0, JSON.parse(built)]);
      expect(again.stderr).toContain('is ignored, because the image that it names is not the one that it tells of');
      await write({ '.pinlane/builds/acme-three.json': built });
      const foreign = await pinlane('pin', 'acme-three', '--check');
      expect(foreign.stderr).not.toContain('ERR_INTERNAL');
    });
  }, 120_000);
});
