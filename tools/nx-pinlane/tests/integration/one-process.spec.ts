import { describe, expect, it } from '@jest/globals';
import { withWorkspace, type Ran } from './support/workspace.ts';

const said = ({ exitCode, output }: Ran) => (exitCode === 0 ? '' : output);

describe('the tasks of a run, in one process', () => {
  it('keep what belongs to each: its environment, its failure, its words and its document', async () => {
    await withWorkspace(async ({ nx, nxWith, write, read }) => {
      // Nx gives a process of its own the .env of its project.
      await write({ 'processors/acme-one/.env': 'PINLANE_PLATFORMS=linux/arm64\n' });
      const first = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect(said(first)).toBe('');
      expect(first.output).toContain('tasks with @pinlane/nx:pin');
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
});
