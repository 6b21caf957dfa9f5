import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { withWorkspace, type Ran } from './support/workspace.ts';

const said = ({ exitCode, output }: Ran) => (exitCode === 0 ? '' : output);

describe('the tasks of a run, in one process', () => {
  it('keep what belongs to each: its environment, its failure, its words and its document', async () => {
    await withWorkspace(async ({ nx, nxWith, write, read, remove }) => {
      // Nx gives a process of its own the .env of its project.
      await write({ 'processors/acme-one/.env': 'PINLANE_PLATFORMS=linux/arm64\n' });
      const first = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect(said(first)).toBe('');
      expect(first.output).toContain('tasks with @pinlane/nx:pin');
      // Also the build of what they are built on.
      expect([first.output, first.output]).toEqual([
        expect.stringContaining('nx run acme-base:base-for-pins'),
        expect.not.stringContaining('with @pinlane/nx:buildx'),
      ]);
      expect(await read('processors/acme-one/registry.yaml')).not.toContain('amd64:');
      expect(await read('processors/acme-two/registry.yaml')).toContain('amd64:');

      // One of many fails, and the others go on.
      await write({ 'processors/acme-two/src/main.ts': 'this is no TypeScript ((', 'processors/acme-three/src/main.ts': "console.log('changed');\n" });
      const failed = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect([failed.exitCode, failed.output]).toEqual([
        1,
        expect.stringMatching(/> nx run acme-two:(?:buildx|pin)\n+ERR_BUNDLE_FAILED: processors\/acme-two\/src\/main\.ts:1:/),
      ]);
      expect(failed.output).toMatch(/^acme\/three@1 {2}pinned/m);
      expect(failed.output).not.toMatch(/^acme\/two@1/m);

      // Nor does a wrong option of one keep the others from running; Nx itself says nothing of it.
      await write({ 'processors/acme-two/project.json': JSON.stringify({ name: 'acme-two', targets: { pin: { options: { nonsense: ['a'], engine: 7 } } } }) });
      const wrong = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      const told = expect.stringMatching(/> nx run acme-two:pin\n+ERR_OPTION_INVALID: (?:.*\n)*?.*nonsense/);
      expect([wrong.exitCode, wrong.output, wrong.output]).toEqual([1, told, expect.stringMatching(/^acme\/three@1 {2}pins unchanged/m)]);
      await remove('processors/acme-two/project.json');

      // A document is all that stdout has of a task, besides Nx's own lines.
      const json = await nxWith({ NX_PARALLEL: '1' }, 'run', 'acme-three:pin', '--json', '--outputStyle=static');
      const documents = json.stdout.split('\n').filter((line) => line.startsWith('{'));
      expect(documents.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(['PinReport']);
      expect(json.stdout).not.toContain('acme/three@1  pins');

      // Each in a process of its own, where that is asked for.
      const apart = await nx('run', 'acme-three:pin', '--batch=false', '--outputStyle=static');
      expect([said(apart), apart.output]).toEqual(['', expect.stringContaining('acme/three@1  pins unchanged')]);
    });
  }, 600_000);

  it('build what others are built on as its own target says, and pin nothing of it', async () => {
    await withWorkspace(async ({ nx, write, read, remove }) => {
      const before = await read('processors/acme-base/registry.yaml');
      await write({ 'processors/acme-base/project.json': JSON.stringify({ name: 'acme-base', targets: { buildx: { options: { labels: ['team=a'] } } } }) });
      const pinned = await nx('run', 'acme-three:pin', '--outputStyle=static');
      expect([said(pinned), pinned.output]).toEqual(['', expect.stringMatching(/^acme-base: built/m)]);
      expect(await read('processors/acme-base/registry.yaml')).toBe(before);
      const built = await nx('run', 'acme-base:buildx', '--outputStyle=static');
      expect([said(built), built.output]).toEqual(['', expect.stringMatching(/^acme-base: nothing built/m)]);

      // It fails, and what waits for it is not begun, whatever else there is.
      await remove('processors/acme-base/project.json');
      await write({ 'processors/acme-base/Dockerfile': 'FROM scratch\nCOPY not-there /\n' });
      const failed = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect([failed.exitCode, failed.output]).toEqual([1, expect.stringContaining('acme-base:base-for-pins failed, and what waits for it was not run')]);
      expect(failed.output).not.toMatch(/^acme\/(?:one|two|three)@1/m);
    });
  }, 600_000);

  it('bundle what an edited library is part of, where Nx analyses no imports, and nothing after a commit of pins', async () => {
    await withWorkspace(async ({ nx, write, read, commit, git }) => {
      const settings = JSON.parse(await read('nx.json')) as Record<string, unknown>;
      await write({ 'nx.json': JSON.stringify({ ...settings, pluginsConfig: {}, namedInputs: {} }) });
      expect(said(await nx('run-many', '-t', 'pin', '--outputStyle=static'))).toBe('');
      await commit('pins');
      const pinned = await nx('affected', '-t', 'buildx', '--base=HEAD~1', '--outputStyle=static');
      expect([said(pinned), pinned.output]).toEqual(['', expect.not.stringMatching(/^acme-\w+: built/m)]);
      await write({ 'libs/shared/src/index.ts': "export const shared = 'two';\n" });
      await commit('library');
      const edited = await nx('affected', '-t', 'pin', '--base=HEAD~1', '--outputStyle=static');
      expect(said(edited)).toBe('');
      expect([...edited.output.matchAll(/^(acme\/\w+)@1 {2}pinned/gm)].map(([, ref]) => ref).sort()).toEqual(['acme/one', 'acme/two']);
      expect(await git('status', '--porcelain', '--', 'processors/acme-three')).toBe('');
    });
  }, 600_000);

  it('are begun by way of the compile cache that an earlier command has filled, also where Nx has plugins in processes of their own', async () => {
    await withWorkspace(async ({ root, nxWith, write, read }) => {
      // What Nx starts for tasks tells where it keeps what it compiles.
      await write({
        'tell.cjs': `if (/run-(?:batch|executor)\\.js$/.test(process.argv[1] ?? '')) require('node:fs').appendFileSync(${JSON.stringify(join(root, 'told'))}, process.env.NODE_COMPILE_CACHE + '\\n');`,
      });
      const told = async (env: Readonly<Record<string, string>>, ...args: string[]): Promise<string[]> => {
        await write({ told: '' });
        const ran = await nxWith({ NODE_OPTIONS: `--require ${join(root, 'tell.cjs')}`, ...env }, ...args, '--outputStyle=static');
        expect(said(ran)).toBe('');
        return (await read('told')).trimEnd().split('\n');
      };
      for (const isolated of ['false', 'true']) {
        const TMPDIR = temporaryFolder('compile-cache');
        const env = { TMPDIR, NX_ISOLATE_PLUGINS: isolated };
        const pinned = () => told(env, 'run-many', '-t', 'pin');
        const filled = [join(TMPDIR, 'node-compile-cache')];
        // A process of another plugin may be over, and have kept most of Nx, before the first tasks are begun.
        expect(isolated === 'true' ? [['undefined'], filled] : [['undefined']]).toContainEqual(await pinned());
        expect([isolated, await pinned()]).toEqual([isolated, filled]);
      }
    });
  }, 600_000);
});
