import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Rehearsal } from '@pinlane/contracts';
import { actFolder, lackOf, requirement, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import { makeRunnable } from './support/runnable.ts';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const repository = resolve(import.meta.dirname, '../../../..');
const WORKFLOWS = '.github/workflows';
const PATIENCE_MS = 1_800_000;

let registry: TestRegistry;

/**
 * A workspace with the workflows of this one, word for word but for the name of a secret, and one small processor. Its base is in a registry, so that clones are
 * small, and has this machine's Node.
 */
const makeDelivery = async (workspace: TestWorkspace): Promise<void> => {
  await makeRunnable(workspace);
  const pinned = await workspace.pinlaneWith({ PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/bases` }, 'pin', 'acme-base');
  expect({ exitCode: pinned.exitCode, output: pinned.exitCode === 0 ? '' : pinned.output }).toEqual({ exitCode: 0, output: '' });
  const base = /index: (\S+@sha256:[a-f0-9]{64})/.exec(await workspace.read('processors/acme-base/registry.yaml'))?.[1];
  const dockerfile = 'processors/acme-echo/Dockerfile';
  await workspace.write({ [dockerfile]: (await workspace.read(dockerfile)).replace(/^ARG BASE_IMAGE=.*$/m, `ARG BASE_IMAGE=${base}`) });
  await workspace.remove('processors/acme-base');
  // There is no Jest here that would run them.
  await workspace.remove('processors/acme-echo/tests');
  const tested = { targets: { 'test-unit': { command: 'true' }, 'test-integration': { command: 'true' } } };
  await workspace.write({
    ...Object.fromEntries(
      readdirSync(join(repository, WORKFLOWS)).map((name) => [
        `${WORKFLOWS}/${name}`,
        readFileSync(join(repository, WORKFLOWS, name), 'utf8').replaceAll('OPENAI_API_KEY', 'ACME_KEY'),
      ]),
    ),
    // The jobs are clones of this, and start Nx some forty times.
    '.env': `NX_ISOLATE_PLUGINS=false\nNODE_COMPILE_CACHE=${temporaryFolder('compile-cache')}\n`,
    'libs/shared/project.json': JSON.stringify({ name: 'shared', ...tested }),
    'package-lock.json': JSON.stringify({ name: 'acme', lockfileVersion: 3, requires: true, packages: {} }),
  });
  await workspace.commit('the lanes');
};

const withDelivery = (work: (workspace: TestWorkspace) => Promise<void>): Promise<void> =>
  withWorkspace(async (workspace) => {
    await makeDelivery(workspace);
    await work(workspace);
  }, 'rehearse');

/** Rehearses, and gives the document with what is of no matter left out of the message of a failure. */
const rehearse = async ({ pinlaneWith }: TestWorkspace, ...args: string[]): Promise<Rehearsal & { readonly ran: Ran }> => {
  const ran = await pinlaneWith({ GOBIN: actFolder()! }, 'rehearse', '--json', ...args);
  try {
    return { ...(JSON.parse(ran.stdout) as Rehearsal), ran };
  } catch {
    throw new Error(ran.output);
  }
};

const outcomes = ({ stages }: Rehearsal): Record<string, string[]> =>
  Object.fromEntries(stages.map(({ lane, runs }) => [lane, runs.flatMap(({ jobs }) => jobs.map(({ job, outcome }) => `${job} ${outcome}`))]));

const git = (state: string, ...args: string[]): string => execFileSync('git', ['-C', join(state, 'remote'), ...args], { encoding: 'utf8' }).trim();
const pinCommits = (state: string, branch: string): string[] => git(state, 'log', '--format=%H', '--grep=^Pinlane-Source:', branch).split('\n').filter(Boolean);
const deployed = (state: string): string[] =>
  ['staging', 'main'].flatMap((environment) => {
    const folder = join(state, 'deployments', environment);
    const apps = existsSync(folder) ? readdirSync(folder).filter((app) => existsSync(join(folder, app, 'app.json'))) : [];
    return apps.map((app) => `${environment}/${app}`);
  });
/** Programs of apps that still run. */
const supervisors = (state: string): string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(state);
      } catch {
        return false;
      }
    });

/** A command that fails in each job, what is there when it did, and how far staging's branch and the platform have come. */
type Fault = readonly [fail: string, jobs: readonly string[], pinCommits: number, apps: readonly string[]];
const STAGING: readonly Fault[] = [
  ['build:pin:after', ['build failure', 'acceptance skipped', 'deploy skipped', 'drift skipped'], 0, []],
  ['build:commit-pins:after', ['build failure', 'acceptance skipped', 'deploy skipped', 'drift skipped'], 1, []],
  ['acceptance:verify-pins', ['build success', 'acceptance failure', 'deploy skipped', 'drift skipped'], 1, []],
  ['deploy:modal-deploy', ['build success', 'acceptance success', 'deploy failure', 'drift skipped'], 1, []],
  ['drift:drift-report', ['build success', 'acceptance success', 'deploy success', 'drift failure'], 1, ['staging/acme-echo-v1']],
];
const MAIN: readonly Fault[] = [
  ['promotion:promotion', ['promotion failure', 'acceptance skipped', 'deploy skipped', 'drift skipped'], 1, ['staging/acme-echo-v1']],
  ['acceptance:acceptance:after', ['promotion success', 'acceptance failure', 'deploy skipped', 'drift skipped'], 1, ['staging/acme-echo-v1']],
  ['deploy:secrets-sync:after', ['promotion success', 'acceptance success', 'deploy failure', 'drift skipped'], 1, ['staging/acme-echo-v1']],
  ['drift:drift-report', ['promotion success', 'acceptance success', 'deploy success', 'drift failure'], 1, ['staging/acme-echo-v1', 'main/acme-echo-v1']],
];

requirement(
  'act',
  lackOf('act'),
  describe,
)('A rehearsal', () => {
  beforeAll(async () => {
    registry = await startRegistry();
  });
  afterAll(() => registry.close());

  it(
    'goes the whole way from an empty remote: pull request, dev, staging, release, main',
    async () => {
      await withDelivery(async (workspace) => {
        const state = temporaryFolder('state');
        const seen = await rehearse(workspace, `--state=${state}`);
        expect({ verdict: seen.verdict, output: seen.verdict === 'green' ? '' : seen.ran.output }).toEqual({ verdict: 'green', output: '' });
        expect(outcomes(seen)).toEqual({
          pr: ['pins success', 'tests success', 'acceptance success'],
          dev: ['tests success', 'acceptance success'],
          staging: ['build success', 'acceptance success', 'deploy success', 'drift success'],
          main: ['promotion success', 'acceptance success', 'deploy success', 'drift success'],
        });
        const [pins] = pinCommits(state, 'staging');
        expect(pinCommits(state, 'main')).toEqual([pins]);
        expect(git(state, 'show', '--format=', '--name-only', pins!)).toBe('processors/acme-echo/registry.yaml');
        // Each clone of a job sees what others deployed, and nothing runs on.
        expect(deployed(state)).toEqual(['staging/acme-echo-v1', 'main/acme-echo-v1']);
        expect(supervisors(state)).toEqual([]);
        const reports = join(workspace.root, '.pinlane/reports/rehearsal');
        expect(existsSync(join(reports, 'staging/build/pin-commit.json'))).toBe(true);
        expect(existsSync(join(reports, 'main/promotion/promotion.json'))).toBe(true);
        expect(readFileSync(join(reports, 'main/log.txt'), 'utf8')).toContain('promotion');
        expect(readFileSync(join(reports, 'staging/summary.md'), 'utf8')).toContain(`pins committed: staging@${pins!.slice(0, 12)}`);
        expect(seen.notRehearsed).not.toEqual([]);
      });
    },
    PATIENCE_MS,
  );

  it(
    'stops where a job fails, whichever it is, leaves nothing wrong behind, and converges when it is run again',
    async () => {
      await withDelivery(async (workspace) => {
        const state = temporaryFolder('state');
        for (const [lane, faults] of [['staging', STAGING] as const, ['main', MAIN] as const]) {
          for (const [failing, jobs, pins, apps] of faults) {
            const seen = await rehearse(workspace, `--state=${state}`, `--lane=${lane}`, `--fail=${failing}`);
            const left = { pins: pinCommits(state, 'staging').length, apps: deployed(state), running: supervisors(state), dev: git(state, 'ls-tree', 'dev') };
            expect({ failing, exitCode: seen.ran.exitCode, jobs: outcomes(seen)[lane], ...left }).toEqual({
              ...{ failing, exitCode: 2, jobs, pins, apps, running: [], dev: '' },
            });
          }
          const again = await rehearse(workspace, `--state=${state}`, `--lane=${lane}`);
          expect({ verdict: again.verdict, output: again.verdict === 'green' ? '' : again.ran.output }).toEqual({ verdict: 'green', output: '' });
          expect(pinCommits(state, 'staging')).toHaveLength(1);
        }
        expect(pinCommits(state, 'main')).toEqual(pinCommits(state, 'staging'));
      });
    },
    PATIENCE_MS,
  );

  it(
    'of two pipelines of staging at once ends with one pin commit, and with what it pins deployed',
    async () => {
      await withDelivery(async (workspace) => {
        const state = temporaryFolder('state');
        const seen = await rehearse(workspace, `--state=${state}`, '--lane=staging', '--twice');
        expect({ verdict: seen.verdict, output: seen.verdict === 'green' ? '' : seen.ran.output }).toEqual({ verdict: 'green', output: '' });
        expect(seen.stages[0]?.runs).toHaveLength(2);
        expect(pinCommits(state, 'staging')).toHaveLength(1);
        const { digest } = JSON.parse(readFileSync(join(state, 'deployments/staging/acme-echo-v1/app.json'), 'utf8')) as { digest: string };
        expect(git(state, 'show', 'staging:processors/acme-echo/registry.yaml')).toContain(digest);
        expect(supervisors(state)).toEqual([]);
      });
    },
    PATIENCE_MS,
  );
});
