import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { chooseRuntime } from '@pinlane/adapters';
import { runnableImage } from '@pinlane/conformance';
import { parsePinnedReference, type Deployment } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { lackOf, processesWith, requirement, startRegistry, temporaryFolder, withWarmPython, type TestRegistry } from '@pinlane/testing';
import { runImages, standInEnvironment, startModalStandIn, trustTunnels, type ModalStandIn, type StartContainer } from '@pinlane/testing/modal';
import type { Verb } from '../../src/command/verb.ts';
import { verb as deploy } from '../../src/verbs/modal-deploy/verb.ts';
import { verb as probe } from '../../src/verbs/probe/verb.ts';
import { verb as rollback } from '../../src/verbs/rollback/verb.ts';
import { verb as secretsSync } from '../../src/verbs/secrets-sync/verb.ts';
import { verb as smoke } from '../../src/verbs/smoke/verb.ts';
import { filesWith, watchCommands } from './support/canary.ts';
import { makeRunnable } from './support/runnable.ts';
import { contextOf, run } from './support/verb-context.ts';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

const ECHO = 'processors/acme-echo';
const APP = 'acme-echo-v1';
const CANARY = 'canary-4711-of-staging';

// Images are built, pulled, unpacked and started here, and each command of the Python client takes seconds on a busy machine.
jest.setTimeout(900_000);

/** Pulls images by digest from the registry that they were pushed to, and runs them by the best runtime of this machine. */
const containers = async (folder: string): Promise<StartContainer> => {
  const runtime = await chooseRuntime('auto', { lane: 'local', progress: () => undefined });
  const cacheDir = join(folder, 'cache');
  return runImages({
    runtime,
    open: (reference) => {
      const { digest, ...repository } = parsePinnedReference(reference);
      return runnableImage(openRepository(repository), digest, { name: 'acme-echo', platform: 'linux/amd64', cacheDir });
    },
    folder: join(folder, 'artifacts'),
  });
};

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a processor on its way to Modal', () => {
  const warm = withWarmPython();
  let standIn: ModalStandIn;
  let registry: TestRegistry;
  afterAll(async () => {
    await standIn.stop();
    await registry.close();
  });

  const account = () => ({
    ...standInEnvironment(standIn),
    MODAL_PROXY_KEY: standIn.proxyToken.key,
    MODAL_PROXY_SECRET: standIn.proxyToken.secret,
    PINLANE_MODAL_PYTHON: warm(),
    PINLANE_ADAPTER: 'modal',
  });
  const staging = (folder: string) => ({
    ...account(),
    PINLANE_LANE: 'staging',
    PINLANE_PUSH: 'true',
    PINLANE_REGISTRY: `${registry.host}/acme`,
    NODE_EXTRA_CA_CERTS: join(folder, 'tunnels.pem'),
  });
  const good = ({ exitCode, output }: { readonly exitCode: number | null; readonly output: string }) =>
    expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
  const containersOf = () => [...standIn.account.apps.values()].flatMap(({ name, fronts }) => (name === APP ? [...fronts.values()] : []));

  /** Carries a verb out in this process. */
  const carryOut = async ({ root }: TestWorkspace, verb: Verb, options: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}) => {
    const context = contextOf(root, {
      ...{ project: 'acme-echo', projectRoot: ECHO },
      env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...account(), ...env },
    });
    const outcome = await run(verb, { lane: 'staging', ...options }, context);
    return { ...outcome, said: [...outcome.lines, ...context.notes].join('\n'), deployment: outcome.document as Deployment };
  };

  it('is pinned, accepted, deployed, smoked and probed, rolled back, and survives every way of being killed', async () => {
    const folder = temporaryFolder('modal');
    registry = await startRegistry();
    standIn = await startModalStandIn({ python: warm(), start: await containers(folder) });
    trustTunnels(standIn);
    writeFileSync(join(folder, 'tunnels.pem'), standIn.certificate);
    await withWorkspace(async (workspace) => {
      const { root, nxWith, pinlaneWith, commit, read, write } = workspace;
      await makeRunnable(workspace);
      const nx = (...args: string[]) => nxWith(staging(folder), ...args, '-p', 'acme-echo', '--outputStyle=static');

      good(await nx('run-many', '-t', 'pin'));
      await commit('ci(staging): pin processor images');
      const first = await read(`${ECHO}/registry.yaml`);
      const digest = /amd64: .*@(sha256:[0-9a-f]{64})/.exec(first)![1]!;

      // All that is missing is told at once, and nothing is made.
      const early = await nx('run-many', '-t', 'modal-deploy', '--excludeTaskDependencies');
      expect(early.exitCode).toBe(1);
      expect(early.output).toMatch(/ERR_EVIDENCE_MISSING[^]*ERR_SECRET_MISSING[^]*acme-echo-v1-secrets[^]*ACME_KEY/);
      expect(standIn.account.apps.size + standIn.account.images.size).toBe(0);

      const seen = await watchCommands(CANARY, async () => {
        const synced = await carryOut(workspace, secretsSync, {}, { ACME_KEY_STAGING: CANARY });
        expect([synced.exitCode, synced.said.includes(CANARY)]).toEqual([0, false]);
        const all = await nxWith(
          { ...staging(folder), ACME_KEY_STAGING: CANARY },
          ...['run-many', '-t', 'acceptance', 'modal-deploy', 'smoke', 'probe', 'drift', '-p', 'acme-echo', '--outputStyle=static'],
        );
        good(all);
        expect(all.output).toMatch(/acme\/echo@1 was deployed: [0-9a-f]{12} is configured and serves at http/);
        expect(all.output).toMatch(/\d+ checks passed, 0 failed/);
        for (const refusal of ['missing-secret', 'wrong-digest', 'no-credentials']) expect(all.output).toContain(`${refusal}: refused`);
        expect(all.output).toMatch(/in-sync +([0-9a-f]{12}) +\1 /);
        expect(all.output).not.toContain(CANARY);
        const kinds = ['secrets', 'deployment', 'smoke', 'probe', 'drift'].map(
          async (what) => JSON.parse(await read(`.pinlane/reports/acme-echo/${what}.json`)).kind,
        );
        expect(await Promise.all(kinds)).toEqual(['SecretsReport', 'Deployment', 'SmokeReport', 'ProbeReport', 'DriftReport']);
        // With its page, which the canary is looked for in, too.
        good(await pinlaneWith({ ...staging(folder), ACME_KEY_STAGING: CANARY }, 'drift-report', '--live'));
      });
      expect(filesWith('<html', join(root, '.pinlane')).length).toBeGreaterThan(0);
      expect(seen).toEqual([]);
      expect(filesWith(CANARY, root, folder)).toEqual([]);
      expect([...standIn.account.sandboxes.values()].map(({ running }) => running)).toEqual([false]);

      const again = await carryOut(workspace, deploy);
      expect([again.exitCode, again.deployment.outcome, again.deployment.serving]).toEqual([0, 'unchanged', { known: true, value: digest }]);
      expect(containersOf().map((front) => front.woken())).toEqual([1]);

      // What runs can't be told from outside; what a Sandbox leaves behind is told by its name.
      standIn.faults.push({ method: 'SandboxTerminateV2', fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
      await expect(carryOut(workspace, probe)).rejects.toMatchObject({ code: 'ERR_DEPLOY_CLEANUP', message: expect.stringContaining('sb-') });
      standIn.faults.length = 0;

      await write({ [`${ECHO}/README.md`]: 'newer\n', [`${ECHO}/src/newer.ts`]: 'export const newer = 1;\n' });
      await write({ [`${ECHO}/src/main.ts`]: `${await read(`${ECHO}/src/main.ts`)}\nprocess.title = 'newer';\n` });
      good(await pinlaneWith(staging(folder), 'pin', 'acme-echo'));
      await commit('ci(staging): pin newer images');
      good(await pinlaneWith(staging(folder), 'acceptance', 'acme-echo', '--pinned', '--attach'));
      const newer = await carryOut(workspace, deploy);
      expect([newer.exitCode, newer.deployment.outcome]).toEqual([0, 'deployed']);
      expect(newer.deployment.image.endsWith(digest)).toBe(false);
      const back = await carryOut(workspace, rollback);
      expect([back.exitCode, back.deployment.serving]).toEqual([0, { known: true, value: digest }]);
      expect(back.said).toMatch(/still pins another image/);
      const smoked = await carryOut(workspace, smoke);
      // The pin is the newer one: what runs is not it.
      expect(smoked.exitCode).toBe(2);

      await killedAtEachStep(workspace, folder);
    });
  });

  /** The calls before which the command is killed, in the order in which a deployment makes them first. */
  const STEPS = ['AppList', 'AppGetOrCreate', 'ImageGetOrCreate', 'ImagePublish', 'AppCreate', 'FunctionCreate', 'AppPublish', 'FunctionGet'];

  /** In main, where there is no such app yet: each run finds what the one before it left. */
  const killedAtEachStep = async (workspace: TestWorkspace, folder: string): Promise<void> => {
    const { root, pinlaneKilled, pinlaneWith } = workspace;
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    const env = { ...account(), PINLANE_LANE: 'main', TMPDIR: temporary, ACME_KEY_PROD: CANARY };
    for (const step of ['SecretGetOrCreate', ...STEPS]) {
      const kill = new AbortController();
      const happen = () => (kill.abort(), new Promise<void>(() => {}));
      standIn.faults.push({ method: step, times: 1, fault: { kind: 'before', happen } });
      const verb = step === 'SecretGetOrCreate' ? 'secrets-sync' : 'modal-deploy';
      const { exitCode, output } = await pinlaneKilled(kill.signal, env, verb, 'acme-echo');
      expect({ step, exitCode, output: exitCode === null ? '' : output }).toEqual({ step, exitCode: null, output: '' });
      // Its client goes with it, though it has a group of its own.
      for (let look = 0; look < 100 && processesWith(`--app-name=${APP}`).size > 0; look++) await new Promise((resolve) => setTimeout(resolve, 100));
      expect([step, [...processesWith(`--app-name=${APP}`).values()]]).toEqual([step, []]);
      expect([step, filesWith(CANARY, root, temporary)]).toEqual([step, []]);
      if (verb === 'secrets-sync') good(await pinlaneWith(env, verb, 'acme-echo'));
    }
    standIn.faults.length = 0;
    const { exitCode, output } = await pinlaneWith(env, 'modal-deploy', 'acme-echo');
    expect([exitCode, output]).toEqual([0, expect.stringMatching(/is configured and serves at|runs already/)]);
    const apps = [...standIn.account.apps.values()].filter(({ name, environment, live }) => name === APP && environment === 'main' && live !== null);
    expect(apps).toHaveLength(1);
    expect([apps[0]!.live!.version, filesWith(CANARY, root, temporary)]).toEqual([1, []]);
  };
});
