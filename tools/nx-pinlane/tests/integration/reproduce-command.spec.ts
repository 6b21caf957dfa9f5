import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startRegistry } from '@pinlane/testing';
import { withWorkspace } from './support/workspace.ts';

describe('pin --reproduce as a command', () => {
  it('builds no target before it, bundles the source as it is, and is never repeated from a cache', async () => {
    await withWorkspace(async ({ root, nx, pinlane, git, read, write, commit }) => {
      expect((await nx('run', 'acme-one:pin')).exitCode).toBe(0);
      await commit('pins');
      for (let time = 0; time < 2; time += 1) {
        const ran = await nx('run', 'acme-one:pin', '--reproduce');
        expect([ran.exitCode, ran.output]).toEqual([0, expect.stringContaining('acme/one@1  reproduced: the source makes what is pinned')]);
        expect(ran.output).not.toMatch(/acme-one:buildx|acme-one: built|local cache/);
      }
      // Records say what was built last, and that was not this.
      await rm(join(root, '.pinlane/builds/acme-one.json'));
      expect((await nx('run', 'acme-one:pin', '--reproduce')).exitCode).toBe(0);
      expect(existsSync(join(root, '.pinlane/builds/acme-one.json'))).toBe(false);

      await write({ 'libs/shared/src/index.ts': "export const shared = 'two';\n" });
      const pins = await read('processors/acme-one/registry.yaml');
      const changed = await pinlane('pin', '--reproduce', 'acme-one', '--json');
      const report = JSON.parse(changed.stdout) as { outcome: string; reproduction: { differences: { path: string | null; message: string }[] } };
      expect([changed.exitCode, report.outcome]).toEqual([2, 'differs']);
      expect(report.reproduction.differences).toContainEqual(
        expect.objectContaining({ path: 'app/main.js', message: expect.stringMatching(/^content: pinned \d+ bytes/) }),
      );
      expect(await read('processors/acme-one/registry.yaml')).toBe(pins);
      expect(await git('status', '--porcelain')).toBe('M libs/shared/src/index.ts');
      expect(await readdir(join(root, '.pinlane/cache/reproduce'))).toEqual([]);
    });
  }, 180_000);

  it('leaves no folder when SIGTERM ends it', async () => {
    const asked = new AbortController();
    const hang = { when: () => !asked.signal.aborted && (asked.abort(), true), fault: { kind: 'hang' as const } };
    const registry = await startRegistry({ faults: [hang] });
    const digest = `sha256:${'0'.repeat(64)}`;
    try {
      await withWorkspace(async ({ root, pinlaneUntil, write }) => {
        const pin = `${registry.host}/acme/base@${digest}`;
        await write({
          'processors/acme-base/registry.yaml': `ref: acme/base@1\nimage:\n  platforms: { amd64: '${pin}', arm64: '${pin}' }\n  index: '${pin}'\n`,
        });
        const ran = await pinlaneUntil(asked.signal, 'pin', '--reproduce', 'acme-base');
        expect([ran.exitCode, ran.stderr]).toEqual([1, expect.stringContaining('ERR_CANCELLED: stopped by SIGTERM')]);
        expect(await readdir(join(root, '.pinlane/cache/reproduce'))).toEqual([]);
        expect(existsSync(join(root, '.pinlane/store'))).toBe(false);
      });
    } finally {
      await registry.close();
    }
  }, 60_000);
});
