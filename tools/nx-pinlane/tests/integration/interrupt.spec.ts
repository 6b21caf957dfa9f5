import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startRegistry } from '@pinlane/testing';
import { withWorkspace } from './support/workspace.ts';

describe('SIGTERM', () => {
  it('ends a build that waits for a registry, says so, and leaves no record and no lock behind', async () => {
    const asked = new AbortController();
    const registry = await startRegistry({
      faults: [
        {
          when: () => {
            asked.abort();
            return true;
          },
          fault: { kind: 'hang' },
        },
      ],
    });
    try {
      await withWorkspace(async ({ root, pinlaneUntil, write }) => {
        await write({ 'processors/acme-base/Dockerfile': `FROM ${registry.host}/some/image@sha256:${'0'.repeat(64)}\n` });
        const ran = await pinlaneUntil(asked.signal, 'pin', 'acme-base');
        expect([ran.exitCode, ran.stderr]).toEqual([1, expect.stringContaining('ERR_CANCELLED: stopped by SIGTERM')]);
        expect(existsSync(join(root, '.pinlane/builds'))).toBe(false);
        expect(await readdir(join(root, '.pinlane/locks')).catch(() => [])).toEqual([]);
      });
    } finally {
      await registry.close();
    }
  }, 60_000);
});
