import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { lackOf, requirement } from '@pinlane/testing';
import { makeDockerRegistry } from './support/docker-registry.ts';
import { makeRunnable } from './support/runnable.ts';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

const ECHO = 'processors/acme-echo';

/** Everything that a build would need is gone or broken: whatever builds, fails. */
const poison = async ({ remove, write }: TestWorkspace): Promise<void> => {
  for (const path of ['.pinlane', 'processors/acme-base/rootfs', `${ECHO}/dist`, '.nx/cache']) await remove(path);
  await write({
    [`${ECHO}/src/main.ts`]: 'this is no TypeScript ((',
    [`${ECHO}/Dockerfile`]: 'FROM store.localhost/nowhere\nRUN false\n',
    'processors/acme-base/Dockerfile': 'NONSENSE\n',
  });
};

const code = (output: string): string[] => [...new Set(output.match(/ERR_[A-Z_]+/g) ?? [])];

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('an image on its way from staging to main', () => {
  it('is built, pushed and pinned in staging, accepted there, and accepted by its pin alone everywhere after', async () => {
    const registry = await makeDockerRegistry();
    try {
      await withWorkspace(async (workspace) => {
        const { root, nxWith, pinlaneWith, read, commit } = workspace;
        await makeRunnable(workspace);
        const push = { PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` };
        const run = (lane: string, ...args: string[]) => nxWith({ PINLANE_LANE: lane, ...(lane === 'staging' ? push : {}) }, ...args, '--outputStyle=static');

        const unordered = await run('staging', 'run-many', '-t', 'pin', 'acceptance', '-p', 'acme-echo');
        expect([unordered.exitCode, unordered.output]).toEqual([1, expect.stringContaining('Run pin first')]);

        const pinned = await run('staging', 'run', 'acme-echo:pin');
        expect({ exitCode: pinned.exitCode, output: pinned.exitCode === 0 ? '' : pinned.output }).toEqual({ exitCode: 0, output: '' });
        await commit('ci(staging): pin processor images');
        const pins = await read(`${ECHO}/registry.yaml`);

        await poison(workspace);
        const early = await pinlaneWith({ PINLANE_LANE: 'main' }, 'acceptance', 'acme-echo');
        expect([early.exitCode, code(early.stderr)]).toEqual([2, ['ERR_EVIDENCE_MISSING']]);
        const staged = await run('staging', 'run', 'acme-echo:acceptance');
        expect([staged.exitCode, staged.output]).toEqual([
          0,
          expect.stringMatching(/accepted acme\/echo@1 .*\n.*network blocked.*\n +evidence: attached to [0-9a-f]{12}/),
        ]);
        const again = await run('staging', 'run', 'acme-echo:acceptance');
        expect([again.exitCode, again.output]).toEqual([0, expect.stringContaining('the same is attached already')]);

        for (const lane of ['main', 'dev']) {
          await workspace.remove('.pinlane');
          const accepted = await run(lane, 'run', 'acme-echo:acceptance');
          expect([accepted.exitCode, accepted.output]).toEqual([
            0,
            expect.stringMatching(/accepted acme\/echo@1 .*\n.*\n +evidence: accepted in staging at 2\d{3}-.*network blocked/),
          ]);
          const report = JSON.parse(await read(`.pinlane/reports/acme-echo/acceptance-${process.arch === 'arm64' ? 'arm64' : 'amd64'}.json`)) as Record<
            string,
            unknown
          >;
          expect(report).toMatchObject({
            lane,
            pinned: true,
            evidence: {
              found: [
                {
                  lane: 'staging',
                  isolation: { network: 'blocked' },
                  origin: { workspace: null, revision: expect.stringMatching(/^[0-9a-f]{40}$/), run: null },
                },
              ],
              ignored: [],
            },
          });
          // Nothing was built, bundled or kept: what ran came from the registry.
          expect(await readdir(join(root, '.pinlane/builds')).catch(() => [])).toEqual([]);
          expect(await readdir(join(root, '.pinlane/store/blobs/sha256')).catch(() => [])).toEqual([]);
          expect(await readdir(join(root, ECHO, 'dist')).catch(() => [])).toEqual([]);

          for (const args of [['buildx'], ['pin'], ['acceptance', '--pinned=false']])
            expect(code((await pinlaneWith({ PINLANE_LANE: lane }, ...args, 'acme-echo')).stderr)).toEqual(['ERR_LANE_FORBIDS']);
          expect((await pinlaneWith({ PINLANE_LANE: lane }, 'verify-pins')).exitCode).toBe(0);
        }
        // Without Nx an acceptance is no other, which does not even look at the source, which is broken; and Nx has other words for what a lane forbids.
        const direct = await pinlaneWith({ PINLANE_LANE: 'main' }, 'acceptance', 'acme-echo');
        expect([direct.exitCode, direct.output]).toEqual([0, expect.stringMatching(/accepted acme\/echo@1 /)]);
        for (const args of [['acme-echo:buildx'], ['acme-echo:pin'], ['acme-echo:acceptance', '--pinned=false']]) {
          const { exitCode, output } = await run('main', 'run', ...args);
          expect([exitCode, code(output)]).toEqual([1, ['ERR_LANE_FORBIDS']]);
        }
        expect(await read(`${ECHO}/registry.yaml`)).toBe(pins);
      });
    } finally {
      await registry.close();
    }
  }, 300_000);
});

describe('evidence in the store', () => {
  it('is attached and shown where it is asked for, outlives a collection, and is about the pinned image alone', async () => {
    await withWorkspace(async (workspace) => {
      const { nxWith, pinlane, nx } = workspace;
      await makeRunnable(workspace);
      const pinned = await nx('run', 'acme-echo:pin');
      expect({ exitCode: pinned.exitCode, output: pinned.exitCode === 0 ? '' : pinned.output }).toEqual({ exitCode: 0, output: '' });
      const none = await pinlane('acceptance', 'acme-echo', '--pinned', '--evidence', '--attach');
      expect([none.exitCode, none.stdout]).toEqual([0, expect.stringMatching(/none is attached to this digest\n +evidence: attached to/)]);
      expect((await pinlane('gc', '--graceMinutes=0')).exitCode).toBe(0);
      const shown = await nxWith({}, 'run', 'acme-echo:acceptance', '-c', 'pinned', '--evidence', '--outputStyle=static');
      expect([shown.exitCode, shown.output]).toEqual([0, expect.stringContaining('evidence: accepted in local at')]);
      const tree = await pinlane('acceptance', 'acme-echo', '--attach');
      expect([tree.exitCode, code(tree.stderr)]).toEqual([1, ['ERR_OPTION_INVALID']]);
    });
  }, 300_000);
});

describe('lane pr', () => {
  it('builds anew each time, believes nothing that is there and leaves nothing that another lane believes', async () => {
    await withWorkspace(async ({ root, nx, nxWith, read }) => {
      const pr = () => nxWith({ PINLANE_LANE: 'pr' }, 'run', 'acme-three:buildx', '--outputStyle=static');
      const made = /acme-three: built, (\d+) layers made and 0 reused/;
      const names = async (folder: string) => (await readdir(join(root, folder)).catch(() => [])).sort();

      for (const _ of ['first', 'second']) {
        const { exitCode, output } = await pr();
        expect([exitCode, output]).toEqual([0, expect.stringMatching(made)]);
        expect(output).not.toMatch(/read the output from the cache|local cache/);
      }
      expect(await names('.pinlane')).toEqual(expect.arrayContaining(['lanes']));
      expect([await names('.pinlane/store'), await names('.pinlane/builds')]).toEqual([[], []]);

      // The same source in another lane is built there: neither Nx's cache nor a record of lane pr stands for it.
      const local = await nx('run', 'acme-three:buildx', '--outputStyle=static');
      expect([local.exitCode, local.output]).toEqual([0, expect.stringMatching(made)]);
      const record = await read('.pinlane/builds/acme-three.json');
      expect((await pr()).output).toMatch(made);
      expect(await read('.pinlane/builds/acme-three.json')).toBe(record);
      const digests = (text: string) => text.match(/sha256:[0-9a-f]{64}/g);
      expect(digests(await read('.pinlane/lanes/pr/builds/acme-three.json'))).toEqual(digests(record));
    });
  }, 180_000);

  it('fails where a secret of the processor is set, in any lane’s form, and does not show it', async () => {
    await withWorkspace(async ({ nxWith, pinlaneWith, write, read }) => {
      const file = 'processors/acme-three/registry.yaml';
      await write({ [file]: `${await read(file)}secrets: { required: [ACME_KEY], optional: [ACME_EXTRA] }\n` });
      const canary = 'canary-7c1f';
      for (const name of ['ACME_KEY', 'ACME_EXTRA', 'ACME_KEY_PROD', 'ACME_EXTRA_STAGING']) {
        const { exitCode, output } = await pinlaneWith({ PINLANE_LANE: 'pr', [name]: canary }, 'buildx', 'acme-three');
        expect([exitCode, output]).toEqual([1, expect.stringContaining(`set is ${name}`)]);
        expect(output).not.toContain(canary);
      }
      const task = await nxWith({ PINLANE_LANE: 'pr', ACME_KEY: canary }, 'run', 'acme-three:acceptance', '--outputStyle=static');
      expect([task.exitCode === 0, code(task.output)]).toEqual([false, ['ERR_LANE_SECRET_SET']]);
    });
  }, 120_000);
});
