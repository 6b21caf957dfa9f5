import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Rehearsal } from '@pinlane/contracts';
import { actFolder, lackOf, processesWith, requirement, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import { makeRunnable } from './support/runnable.ts';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const repository = resolve(import.meta.dirname, '../../../..');
const WORKFLOWS = '.github/workflows';
const PATIENCE_MS = 1_800_000;

let registry: TestRegistry;
let workspace: TestWorkspace;
/** Where the remote, the registry and the platform of rehearsals are kept: each goes on from what was rehearsed there before. */
let state: string;
/** A folder with an npx that starts the program alone: npm's own takes as long to start as half of Nx does. */
let shortNpx: string;

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

/** Rehearses, and gives the document with what is of no matter left out of the message of a failure. */
const rehearseWith = async (
  variables: Readonly<Record<string, string>>,
  npx: 'short' | 'of npm',
  ...args: string[]
): Promise<Rehearsal & { readonly ran: Ran }> => {
  const path = process.env['PATH'] ?? '';
  const ran = await workspace.pinlaneWith(
    { ...variables, GOBIN: actFolder()!, PATH: npx === 'short' ? `${shortNpx}:${path}` : path },
    ...['rehearse', '--json', `--state=${state}`, ...args],
  );
  try {
    return { ...(JSON.parse(ran.stdout) as Rehearsal), ran };
  } catch {
    throw new Error(ran.output);
  }
};
const rehearse = (npx: 'short' | 'of npm', ...args: string[]): ReturnType<typeof rehearseWith> => rehearseWith({}, npx, ...args);
const green = ({ verdict, ran }: Awaited<ReturnType<typeof rehearse>>): void =>
  expect({ verdict, output: verdict === 'green' ? '' : ran.output }).toEqual({ verdict: 'green', output: '' });

const outcomes = ({ stages }: Rehearsal): Record<string, string[]> =>
  Object.fromEntries(stages.map(({ lane, runs }) => [lane, runs.flatMap(({ jobs }) => jobs.map(({ job, outcome }) => `${job} ${outcome}`))]));

const git = (...args: string[]): string => execFileSync('git', ['-C', join(state, 'remote'), ...args], { encoding: 'utf8' }).trim();
const pinCommits = (branch: string): string[] => git('log', '--format=%H', '--grep=^Pinlane-Source:', branch).split('\n').filter(Boolean);
const deployed = (): string[] =>
  ['staging', 'main'].flatMap((environment) => {
    const folder = join(state, 'deployments', environment);
    const apps = existsSync(folder) ? readdirSync(folder).filter((app) => existsSync(join(folder, app, 'app.json'))) : [];
    return apps.map((app) => `${environment}/${app}`);
  });
/** Programs of apps that still run. */
const supervisors = (): string[] => [...processesWith(state).keys()];

/** A command that fails in each job, what is there when it did, and how far staging's branch and the platform have come. */
type Fault = readonly [fail: string, jobs: readonly string[], pinCommits: number, apps: readonly string[]];
/** The lanes that deploy nothing: their jobs do not wait for each other. */
const TESTED: readonly (readonly [lane: 'pr' | 'dev', fail: string, jobs: readonly string[]])[] = [
  ['pr', 'pins:pin-edits:after', ['pins failure', 'tests success', 'acceptance success']],
  ['pr', 'tests:test-unit', ['pins success', 'tests failure', 'acceptance success']],
  ['pr', 'acceptance:acceptance:after', ['pins success', 'tests success', 'acceptance failure']],
  ['dev', 'tests:test-unit', ['tests failure', 'acceptance success']],
  ['dev', 'acceptance:acceptance', ['tests success', 'acceptance failure']],
];
const STAGING: readonly Fault[] = [
  ['build:pin:after', ['parts skipped', 'build failure', 'acceptance skipped', 'deploy skipped', 'drift skipped'], 0, []],
  ['build:commit-pins:after', ['parts skipped', 'build failure', 'acceptance skipped', 'deploy skipped', 'drift skipped'], 1, []],
  ['acceptance:verify-pins', ['parts skipped', 'build success', 'acceptance failure', 'deploy skipped', 'drift skipped'], 1, []],
  ['deploy:modal-deploy', ['parts skipped', 'build success', 'acceptance success', 'deploy failure', 'drift skipped'], 1, []],
  ['drift:drift-report', ['parts skipped', 'build success', 'acceptance success', 'deploy success', 'drift failure'], 1, ['staging/acme-echo-v1']],
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
)('The lanes, rehearsed', () => {
  beforeAll(async () => {
    [registry, shortNpx] = [await startRegistry(), temporaryFolder('npx')];
    writeFileSync(join(shortNpx, 'npx'), '#!/bin/sh\nexec "node_modules/.bin/$@"\n', { mode: 0o755 });
    await withWorkspace(async (made) => makeDelivery((workspace = made)), 'rehearse');
  }, PATIENCE_MS);
  afterAll(() => registry.close());

  const reports = (path: string): string => join(workspace.root, '.pinlane/reports/rehearsal', path);

  it(
    'are gone through from an empty remote: pull request, dev, staging, release, main',
    async () => {
      state = temporaryFolder('empty');
      const seen = await rehearse('of npm');
      green(seen);
      expect(outcomes(seen)).toEqual({
        pr: ['pins success', 'tests success', 'acceptance success'],
        dev: ['tests success', 'acceptance success'],
        staging: ['parts skipped', 'build success', 'acceptance success', 'deploy success', 'drift success'],
        main: ['promotion success', 'acceptance success', 'deploy success', 'drift success'],
      });
      const [pins, ...more] = pinCommits('staging');
      expect([more, pinCommits('main')]).toEqual([[], [pins]]);
      expect(git('show', '--format=', '--name-only', pins!)).toBe('processors/acme-echo/registry.yaml');
      // Each clone of a job sees what others deployed, and nothing runs on.
      expect(deployed()).toEqual(['staging/acme-echo-v1', 'main/acme-echo-v1']);
      expect(supervisors()).toEqual([]);
      expect(existsSync(reports('staging/build/pin-commit.json'))).toBe(true);
      expect(existsSync(reports('staging/deploy/acme-echo/deployment.json'))).toBe(true);
      expect(existsSync(reports('main/promotion/promotion.json'))).toBe(true);
      expect(readFileSync(reports('main/log.txt'), 'utf8')).toContain('promotion');
      expect(readFileSync(reports('staging/summary.md'), 'utf8')).toContain(`pins committed: staging@${pins!.slice(0, 12)}`);
      expect(seen.notRehearsed).not.toEqual([]);
    },
    PATIENCE_MS,
  );

  describe('on a remote where nothing is pinned', () => {
    beforeAll(() => {
      state = temporaryFolder('unpinned');
    });

    it.each(TESTED)(
      'are red in lane %s where %s fails, and leave nothing behind',
      async (lane, failing, jobs) => {
        const seen = await rehearse('short', `--lane=${lane}`, `--fail=${failing}`);
        const left = { pins: pinCommits('staging'), apps: deployed(), running: supervisors() };
        expect({ failing, exitCode: seen.ran.exitCode, jobs: outcomes(seen)[lane], ...left }).toEqual({
          ...{ failing, exitCode: 2, jobs, pins: [], apps: [], running: [] },
        });
      },
      PATIENCE_MS,
    );

    it.each(['pr', 'dev'])('are green in lane %s when nothing fails any more', async (lane) => green(await rehearse('short', `--lane=${lane}`)), PATIENCE_MS);
  });

  describe('on one remote, from its first pipeline on', () => {
    beforeAll(() => {
      state = temporaryFolder('state');
    });

    it.each([...STAGING.map((fault) => ['staging', ...fault] as const), ...MAIN.map((fault) => ['main', ...fault] as const)])(
      'stop in lane %s where %s fails, and leave nothing wrong behind',
      async (lane, failing, jobs, pins, apps) => {
        const seen = await rehearse('short', `--lane=${lane}`, `--fail=${failing}`);
        const left = { pins: pinCommits('staging').length, apps: deployed(), running: supervisors(), dev: git('ls-tree', 'dev') };
        expect({ failing, exitCode: seen.ran.exitCode, jobs: outcomes(seen)[lane], ...left }).toEqual({
          ...{ failing, exitCode: 2, jobs, pins, apps, running: [], dev: '' },
        });
      },
      PATIENCE_MS,
    );

    it(
      'end well after all that: two pipelines of staging at once, of a change, each of which builds in parts, with one pin commit more, and main with the same',
      async () => {
        const source = 'processors/acme-echo/src/main.ts';
        await workspace.write({ [source]: `${await workspace.read(source)}process.title = 'changed';\n` });
        await workspace.commit('a change');
        const before = pinCommits('staging');
        const seen = await rehearseWith({ STAGING_PARTS: '["1/2", "2/2"]' }, 'short', '--lane=staging', '--twice');
        green(seen);
        const jobs = seen.stages[0]?.runs.map((run) => run.jobs.map(({ job, outcome }) => `${job} ${outcome}`));
        const each = ['parts success', 'build success', 'acceptance success', 'deploy success', 'drift success'];
        expect(jobs).toEqual([each, each]);
        expect(pinCommits('staging')).toEqual([expect.any(String), ...before]);
        const { digest } = JSON.parse(readFileSync(join(state, 'deployments/staging/acme-echo-v1/app.json'), 'utf8')) as { digest: string };
        const pinned = (commit: string): string => git('show', `${commit}:processors/acme-echo/registry.yaml`);
        expect(pinned('staging')).toContain(digest);
        expect(pinned(before[0]!)).not.toContain(digest);
        green(await rehearse('short', '--lane=main'));
        expect(pinCommits('main')).toEqual(pinCommits('staging'));
        expect(supervisors()).toEqual([]);
      },
      PATIENCE_MS,
    );
  });
});
