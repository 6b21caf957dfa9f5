import { describe, expect, it, jest } from '@jest/globals';
import type { DriftReport } from '@pinlane/contracts';
import { makeRunnable } from './support/runnable.ts';
import { withWorkspace } from './support/workspace.ts';

jest.setTimeout(600_000);

const ECHO = 'processors/acme-echo';

describe('a workspace that is deployed to this machine, by Nx', () => {
  it('is in sync in the run that deploys it, and each way to leave that is found by the next', () =>
    withWorkspace(async (workspace) => {
      const { nxWith, read, write, pinlaneWith } = workspace;
      await makeRunnable(workspace);
      const nx = (...args: string[]) => nxWith({ PINLANE_ADAPTER: 'local' }, ...args, '--outputStyle=static');
      const report = async () => {
        const { exitCode, stdout, output } = await pinlaneWith({ PINLANE_ADAPTER: 'local' }, 'drift-report', '--json');
        if (!stdout.startsWith('{')) throw new Error(output);
        const { entries, verdict } = JSON.parse(stdout) as DriftReport;
        return { exitCode, verdict, verdicts: Object.fromEntries(entries.map((each) => [each.ref ?? 'none', each.verdict])) };
      };
      try {
        const all = await nx('run-many', '-t', 'pin', 'modal-deploy', 'drift', '-p', 'acme-echo');
        expect({ exitCode: all.exitCode, output: all.exitCode === 0 ? '' : all.output }).toEqual({ exitCode: 0, output: '' });
        expect(all.output).toMatch(/in-sync +([0-9a-f]{12}) +\1 /);

        // A lone drift deploys nothing, is never cached, and sees what changed since.
        const before = await read(`${ECHO}/registry.yaml`);
        await write({ [`${ECHO}/registry.yaml`]: `${before}\ndeploy: { max_containers: 7 }\n` });
        const changed = await nx('run', 'acme-echo:drift');
        expect([changed.exitCode, changed.output]).toEqual([1, expect.stringMatching(/ drifted [^]*maxContainers is \d+, and registry.yaml says 7/)]);
        await write({ [`${ECHO}/registry.yaml`]: before });
        expect((await nx('run', 'acme-echo:drift', '--live')).exitCode).toBe(0);
        expect(await report()).toMatchObject({ exitCode: 0, verdict: 'in-sync', verdicts: { 'acme/echo@1': 'in-sync', 'acme/base@1': 'in-sync' } });

        expect((await nx('run', 'acme-echo:modal-deploy', '--stop')).exitCode).toBe(0);
        expect(await report()).toMatchObject({ exitCode: 2, verdict: 'drift', verdicts: { 'acme/echo@1': 'stopped' } });
        const workspaceTask = await nx('run', 'pinlane:drift-report');
        expect([workspaceTask.exitCode, workspaceTask.output]).toEqual([1, expect.stringMatching(/ stopped [^]*it was stopped/)]);
      } finally {
        await nx('run', 'acme-echo:modal-deploy', '--stop');
      }
    }));
});
