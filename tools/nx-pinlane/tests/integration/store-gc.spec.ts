import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { withWorkspace } from './support/workspace.ts';

const indexPin = (registry: string): string => /sha256:[a-f0-9]{64}/.exec(registry.slice(registry.indexOf('index:')))?.[0] ?? '';

describe('store-gc', () => {
  it('removes what nothing names any more, and keeps what a registry.yaml pins, a build recorded or the store names', async () => {
    await withWorkspace(async ({ root, nx, pinlane, write, read }) => {
      const store = openStore(join(root, '.pinlane/store'));
      const build = async (packages: string): Promise<string> => {
        await write({ 'processors/acme-base/packages.txt': packages });
        const { stdout, exitCode } = await pinlane('buildx', 'acme-base', '--json');
        expect(exitCode).toBe(0);
        return (JSON.parse(stdout) as { index: string }).index;
      };
      const whole = async (digest: string) => (await store.missing(digest as Digest)).length === 0;

      await build('pinned\n');
      expect((await pinlane('pin', 'acme-base')).exitCode).toBe(0);
      const registry = await read('processors/acme-base/registry.yaml');
      const pinned = indexPin(registry);
      const forgotten = await build('forgotten\n');
      const named = await build('named\n');
      await store.name('release', await store.readManifest(named as Digest).then(({ descriptor }) => descriptor));
      const recorded = await build('recorded\n');
      // Only its record speaks for the last one.
      await store.unname('acme-base');
      expect(new Set([pinned, forgotten, named, recorded]).size).toBe(4);
      const all = () => Promise.all([pinned, forgotten, named, recorded].map(whole));

      const fresh = await pinlane('gc', '--json');
      expect([fresh.exitCode, JSON.parse(fresh.stdout)]).toEqual([0, { kind: 'StoreCollection', schemaVersion: 1, dryRun: false, removed: [], bytes: 0 }]);

      // A file that cannot be read may hide pins, wherever it lies.
      await write({ 'processors/acme-one/registry.yaml': 'ref: acme/one@1\nimage: {\n' });
      const broken = await pinlane('gc', '--grace-minutes=0');
      expect([broken.exitCode, broken.stderr]).toEqual([1, expect.stringMatching(/ERR_REGISTRY_SYNTAX: processors\/acme-one\/registry\.yaml:\d/)]);
      await write({ 'processors/acme-one/registry.yaml': 'ref: acme/one@1\n' });
      expect(await all()).toEqual([true, true, true, true]);

      const dry = await pinlane('gc', '--grace-minutes=0', '--dry-run', '--json');
      const { removed, bytes } = JSON.parse(dry.stdout) as { removed: string[]; bytes: number };
      expect([removed.includes(forgotten), removed.includes(pinned), bytes > 0]).toEqual([true, false, true]);
      expect(await all()).toEqual([true, true, true, true]);

      const ran = await nx('run', 'pinlane:store-gc', '--graceMinutes=0', '--outputStyle=static');
      expect([ran.exitCode, ran.output]).toEqual([0, expect.stringContaining(`removed ${removed.length} blobs, `)]);
      expect(await all()).toEqual([true, false, true, true]);
      expect(await read('processors/acme-base/registry.yaml')).toBe(registry);
    });
  }, 120_000);
});
