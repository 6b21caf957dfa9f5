import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
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
        const left = await readdir(join(root, '.pinlane/locks'), { recursive: true, withFileTypes: true });
        expect(left.filter((each) => !each.isDirectory())).toEqual([]);
      });
    } finally {
      await registry.close();
    }
  }, 60_000);

  it.each(['bwrap', 'unshare', 'docker'])(
    'ends an acceptance that waits for what %s answers, says so, and leaves no folder',
    async (name) => {
      await withWorkspace(async ({ root, pinlaneWith, write }) => {
        // Each stands for a program that does not answer; the last of them is asked when SIGTERM comes.
        const programs = ['bwrap', 'unshare', 'docker'];
        const answers = programs.map((each) => (each === name ? 'echo $$ > "$0.pid"; kill -TERM $PPID; exec sleep 60' : 'exit 1'));
        await write(Object.fromEntries(programs.map((each, at) => [`programs/${each}`, `#!/bin/sh\n${answers[at]}\n`])));
        for (const each of programs) await chmod(join(root, 'programs', each), 0o755);
        await mkdir(join(root, 'temporary'));
        const env = { PATH: `${join(root, 'programs')}:${process.env['PATH']}`, TMPDIR: join(root, 'temporary') };
        const ran = await pinlaneWith(env, 'acceptance', 'acme-base');
        expect([ran.exitCode, ran.stderr]).toEqual([1, expect.stringMatching(/^ERR_CANCELLED: stopped by SIGTERM$/m)]);
        const asked = Number(await readFile(join(root, 'programs', `${name}.pid`), 'utf8'));
        expect(() => process.kill(asked, 0)).toThrow('ESRCH');
        expect((await readdir(join(root, 'temporary'))).filter((each) => each.startsWith('pinlane-'))).toEqual([]);
        expect(existsSync(join(root, '.pinlane/reports'))).toBe(false);
      });
    },
    60_000,
  );
});
