import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isGone, type Holder } from '@pinlane/oci';
import { EVIDENCE_TYPE, type PinCommit, type Since } from '@pinlane/contracts';
import { processesWith, startRegistry, temporaryFolder, type SeenRequest, type TestRegistry } from '@pinlane/testing';
import type { Verb } from '../../src/command/verb.ts';
import { verb as acceptance } from '../../src/verbs/acceptance/verb.ts';
import { verb as commitPins } from '../../src/verbs/commit-pins/verb.ts';
import { verb as driftReport } from '../../src/verbs/drift-report/verb.ts';
import { verb as modalDeploy } from '../../src/verbs/modal-deploy/verb.ts';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { verb as probe } from '../../src/verbs/probe/verb.ts';
import { verb as promotion } from '../../src/verbs/promotion/verb.ts';
import { verb as secretsSync } from '../../src/verbs/secrets-sync/verb.ts';
import { verb as since } from '../../src/verbs/since/verb.ts';
import { verb as smoke } from '../../src/verbs/smoke/verb.ts';
import { verb as verifyPins } from '../../src/verbs/verify-pins/verb.ts';
import { openDoor, type Door, type DoorState } from './support/door.ts';
import { ECHO_FILE, makeDeliverable, makeSmall, NEAR, of, openLanes, type LanesWorld } from './support/lanes-world.ts';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

// Images are built, pushed, unpacked and run here.
jest.setTimeout(600_000);

let registry: TestRegistry;
let door: Door;
let source: TestWorkspace;
beforeAll(async () => {
  registry = await startRegistry();
  door = await openDoor(registry.host);
  await withWorkspace(async (workspace) => {
    await makeDeliverable(workspace, door.host);
    source = workspace;
  }, 'source');
});
afterAll(async () => {
  await door.close();
  await registry.close();
});

const KILLER = pathToFileURL(join(import.meta.dirname, 'support/killer.mjs')).href;
/** The steps of the first job. */
const BUILD: readonly Verb[] = [since, pin, commitPins];

const digestsIn = (text: string): string[] => (text.match(/sha256:[0-9a-f]{64}/g) ?? []).sort();

/** The apps that a deployment is recorded of. */
const appsOf = (world: LanesWorld): string[] =>
  ['staging', 'main'].flatMap((environment) => {
    const folder = join(world.env('staging')['PINLANE_DEPLOYMENTS']!, environment);
    const apps = existsSync(folder) ? readdirSync(folder).filter((app) => existsSync(join(folder, app, 'app.json'))) : [];
    return apps.map((app) => `${environment}/${app}`);
  });

/** Kills what runs an app of staging on this machine. */
const killApp = async (world: LanesWorld): Promise<void> => {
  const folder = join(world.env('staging')['PINLANE_DEPLOYMENTS']!, 'staging/acme-echo-v1');
  const versions = readdirSync(folder).flatMap((name) => /^v(\d+)\.json$/.exec(name)?.[1] ?? []);
  const path = join(folder, `v${Math.max(...versions.map(Number))}.json`);
  const { holder } = JSON.parse(readFileSync(path, 'utf8')) as { holder: Holder };
  process.kill(holder.pid, 'SIGKILL');
  for (let look = 0; look < 100 && !(await isGone(holder)); look += 1) await sleep(100);
};

/** What runs with a folder in its environment, by process id. */
const runningWith = (folder: string): string[] => [...processesWith(folder, 'environ').keys()];

/** The reports that are attached to images of the processor. */
const evidence = (): string[] =>
  [...registry.manifests].flatMap(([name, { bytes }]) => {
    const { artifactType, subject } = JSON.parse(Buffer.from(bytes).toString()) as { artifactType?: string; subject?: object };
    return /\/acme-echo@/.test(name) && artifactType === EVIDENCE_TYPE && subject !== undefined ? [name] : [];
  });

/** Where a command is killed with all that it started: at a call of its own, or at a request of its to the registry. */
type Kill =
  | { readonly at: { readonly what: 'spawn' | 'write'; readonly of: string; readonly when?: 'before' | 'begun' | 'ended' } }
  | { readonly asks: RegExp; readonly moment: 'asked' | 'answered' };

type Ends = readonly [exitCode: number, code: string];

interface Step {
  readonly lane: 'staging' | 'main';
  readonly verb: Verb;
  /** Whether it asks the registry: if so it can't go on without. */
  readonly asks: boolean;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly kills?: readonly Kill[];
  /** How it ends where the platform is away, so that nobody can tell what runs on it; and where what was deployed is dead, which is known. */
  readonly platform?: { readonly away: Ends; readonly dead?: Ends };
  /** Whether it is not run to its end: another step stands for it. */
  readonly only?: 'faults';
}

/** What the pipelines of staging and main do, in their order. */
const STEPS: readonly Step[] = [
  { lane: 'staging', verb: since, asks: false, kills: [{ at: { what: 'spawn', of: 'git', when: 'before' } }] },
  { lane: 'staging', verb: pin, asks: true, options: { bundle: {} }, kills: [{ asks: /^PUT .*\/manifests\/pin-/, moment: 'answered' }] },
  { lane: 'staging', verb: pin, asks: true, options: { bundle: {}, check: true } },
  {
    ...{ lane: 'staging', verb: commitPins, asks: true },
    kills: [{ at: { what: 'spawn', of: '"push"', when: 'before' } }, { at: { what: 'spawn', of: '"push"', when: 'ended' } }],
  },
  {
    ...{ lane: 'staging', verb: acceptance, asks: true },
    // Before it is tested, and when its evidence is there but for the tag that keeps it.
    kills: [
      { asks: /^GET .*\/blobs\//, moment: 'asked' },
      { asks: /^PUT .*\/manifests\/accepted-/, moment: 'asked' },
    ],
  },
  { lane: 'staging', verb: verifyPins, asks: true, kills: [{ asks: /^GET .*\/manifests\//, moment: 'asked' }] },
  { lane: 'staging', verb: secretsSync, asks: false, kills: [{ at: { what: 'write', of: '.secrets/acme-echo' } }] },
  {
    ...{ lane: 'staging', verb: modalDeploy, asks: true },
    kills: [
      { at: { what: 'spawn', of: 'supervisor', when: 'before' } },
      { at: { what: 'spawn', of: 'supervisor', when: 'begun' } },
      { at: { what: 'write', of: 'app.json' } },
    ],
    platform: { away: [1, 'ERR_SYSTEM'] },
  },
  {
    ...{ lane: 'staging', verb: smoke, asks: false, kills: [{ at: { what: 'write', of: 'smoke.json' } }] },
    platform: { away: [1, 'ERR_DEPLOY_UNREACHABLE'], dead: [1, 'ERR_DEPLOY_UNREACHABLE'] },
  },
  // Without the registry it tells what it can of the app that runs.
  { lane: 'staging', verb: probe, asks: false, kills: [{ at: { what: 'spawn', of: 'bridge.cjs', when: 'begun' } }] },
  {
    ...{ lane: 'staging', verb: driftReport, asks: false, kills: [{ at: { what: 'write', of: 'reports/drift' } }] },
    platform: { away: [1, 'ERR_DRIFT_UNKNOWN'], dead: [2, 'ERR_DRIFT'] },
  },
  {
    ...{ lane: 'main', verb: promotion, asks: true, options: { platforms: 'linux/amd64' } },
    kills: [{ asks: /^GET .*\/manifests\//, moment: 'asked' }],
  },
  { lane: 'main', verb: acceptance, asks: true, only: 'faults' },
  { lane: 'main', verb: modalDeploy, asks: true, only: 'faults' },
];

describe('The pipelines of staging and main', () => {
  let world: LanesWorld;
  let job: TestWorkspace;
  let built: string;

  /** What the lanes have to show, whoever asks. */
  const state = () => ({
    ...{ staging: world.git('rev-parse', 'staging'), main: world.git('rev-parse', 'main') },
    ...{ spec: readFileSync(join(job.root, ECHO_FILE), 'utf8'), manifests: registry.manifests.size, apps: appsOf(world) },
  });
  const green = async ({ lane, verb, options = {} }: Step): Promise<void> => {
    const { exitCode, said } = await world.carryOut(job.root, verb, lane, { options });
    expect({ verb: verb.name, lane, exitCode, said: exitCode === 0 ? '' : said }).toEqual({ verb: verb.name, lane, exitCode: 0, said: '' });
  };

  const withoutRegistry = async ({ lane, verb, options = {} }: Step, how: DoorState): Promise<void> => {
    const before = state();
    await door.be(how);
    const { exitCode, code, said } = await world.carryOut(job.root, verb, lane, { options, patience: NEAR });
    await door.be('open');
    const told = { code: code ?? /ERR_\w+/.exec(said)?.[0], where: said.includes(door.host) };
    expect({ verb: verb.name, lane, how, exitCode, ...told }).toEqual({
      verb: verb.name,
      lane,
      how,
      exitCode: 1,
      code: 'ERR_REGISTRY_UNAVAILABLE',
      where: true,
    });
    expect({ verb: verb.name, how, ...state() }).toEqual({ verb: verb.name, how, ...before });
  };

  const withoutPlatform = async ({ lane, verb, options = {} }: Step, how: 'away' | 'dead', [exitCode, code]: Ends): Promise<void> => {
    const before = state();
    // Below a file there is no folder, and there can be none.
    const variables: Record<string, string> = how === 'away' ? { PINLANE_DEPLOYMENTS: join(world.remote, 'HEAD', 'deployments') } : {};
    if (how === 'dead') await killApp(world);
    const told = await world.carryOut(job.root, verb, lane, { options, variables });
    const named = told.code ?? /^(ERR_\w+): /m.exec(told.said)?.[1];
    expect({ verb: verb.name, how, exitCode: told.exitCode, code: named, ...state() }).toEqual({ verb: verb.name, how, exitCode, code, ...before });
    // What is pinned is deployed again.
    if (how === 'dead') await green({ lane, verb: modalDeploy, asks: true });
  };

  const killed = async ({ lane, verb }: Step, kill: Kill): Promise<void> => {
    const end = new AbortController();
    // All that the command starts inherits the path, whatever else of the environment it is given.
    const marker = temporaryFolder('killed');
    const hook = 'at' in kill ? { NODE_OPTIONS: `--import=${KILLER}`, KILL_AT: JSON.stringify(kill.at) } : {};
    if ('asks' in kill) {
      const headers = () => (end.abort(), {});
      const isIt = ({ method, url }: SeenRequest): boolean => kill.asks.test(`${method} ${url}`);
      if (kill.moment === 'asked') registry.faults.push({ when: (request) => isIt(request) && (end.abort(), true), fault: { kind: 'hang' } });
      else
        registry.faults.push({
          when: isIt,
          fault: {
            kind: 'headers',
            get headers() {
              return headers();
            },
          },
        });
    }
    const args = [verb.name, ...(verb.subject === 'processor' ? ['acme-echo'] : [])];
    const { exitCode, output } = await job.pinlaneKilled(
      end.signal,
      { ...world.env(lane), ...hook, TMPDIR: dirname(world.remote), PATH: `${process.env['PATH']}:${marker}` },
      ...args,
    );
    registry.faults.length = 0;
    expect({ verb: verb.name, kill, exitCode, output: exitCode === null ? '' : output }).toEqual({ verb: verb.name, kill, exitCode: null, output: '' });
    if (verb === modalDeploy) return;
    for (let look = 0; look < 100 && runningWith(marker).length > 0; look += 1) await sleep(100);
    expect({ verb: verb.name, kill, left: runningWith(marker) }).toEqual({ verb: verb.name, kill, left: [] });
  };

  /** Another runner, which begins its job anew. */
  const fresh = async ({ lane, verb }: Step): Promise<void> => {
    job = await world.clone(lane);
    if (!BUILD.includes(verb)) return;
    // As GitHub runs it again: at the commit that set it off.
    await job.git('checkout', '--quiet', '--detach', built);
    if (verb === commitPins) await green({ lane, verb: pin, asks: true, options: { bundle: {} } });
  };

  afterEach(async () => {
    await door.be('open');
    for (const lane of ['staging', 'main'] as const) await world.carryOut(job.root, modalDeploy, lane, { options: { stop: true } });
  });

  it('stop where the registry or the platform is down, by name and with exit code 1, or are killed, at any step, with nothing wrong left, and end well when they are run again', async () => {
    world = await openLanes(source, door.host);
    job = await world.clone();
    built = world.git('rev-parse', 'staging');
    const told = await world.carryOut(job.root, pin, 'staging', { options: { bundle: {}, dryRun: true } });
    const undisturbed = digestsIn(told.said);
    expect(undisturbed.length).toBeGreaterThan(3);
    job = await world.clone();
    for (const step of STEPS) {
      if (step.verb === promotion) {
        world.git('update-ref', 'refs/heads/main', world.git('rev-parse', 'staging'));
        job = await world.clone('main');
      }
      for (const how of step.asks ? (['503', 'refuses', 'silent'] as const) : []) await withoutRegistry(step, how);
      for (const how of ['away', 'dead'] as const) {
        const ends = step.platform?.[how];
        if (ends !== undefined) await withoutPlatform(step, how, ends);
      }
      for (const kill of step.kills ?? []) {
        await killed(step, kill);
        expect(world.pinCommits().length).toBeLessThanOrEqual(1);
        await fresh(step);
      }
      if (step.only === undefined) await green(step);
      if (step.verb === commitPins) job = await world.clone();
    }
    // One of everything, whoever was killed.
    expect(world.pinCommits()).toEqual([world.git('rev-parse', 'staging')]);
    expect(digestsIn(world.git('show', `staging:${ECHO_FILE}`))).toEqual(expect.arrayContaining(undisturbed));
    expect(appsOf(world)).toEqual(['staging/acme-echo-v1']);
    expect(evidence()).toHaveLength(1);
    expect([...registry.manifests.keys()].filter((name) => name.includes('/acme-echo:accepted-'))).toHaveLength(1);
  });
});

describe('A merge that changes a processor while its pin is written', () => {
  it('gets the pin of the older source, which says so, goes no further, and is followed by its own, whichever pipeline is the last', async () => {
    const world = await openLanes(await makeSmall(['one']), `${registry.host}/merged`);
    const file = 'processors/acme-one/registry.yaml';
    const carry = (job: TestWorkspace, verb: Verb, options: Readonly<Record<string, unknown>> = {}, lane: 'staging' | 'main' = 'staging') =>
      world.carryOut(job.root, verb, lane, { options, ...of('one') });
    const good = async (job: TestWorkspace, verb: Verb, options?: Readonly<Record<string, unknown>>) => {
      const carried = await carry(job, verb, options);
      expect({ verb: verb.name, exitCode: carried.exitCode, said: carried.exitCode === 0 ? '' : carried.said }).toEqual({
        verb: verb.name,
        exitCode: 0,
        said: '',
      });
      return carried.document as PinCommit & Since;
    };
    const pinnedSource = (): string | undefined => /revision: "?([0-9a-f]{40})/.exec(world.git('show', `staging:${file}`))?.[1];

    const first = await world.clone();
    const older = await first.git('rev-parse', 'HEAD');
    await good(first, pin);
    // Meanwhile dev is merged, in which the processor is another.
    const dev = await world.clone();
    await dev.git('checkout', '--quiet', '-b', 'dev');
    await dev.write({ 'processors/acme-one/name.txt': 'another\n' });
    await dev.commit('another');
    await dev.git('checkout', '--quiet', 'staging');
    await dev.git('merge', '--quiet', '--no-ff', '-m', 'Merge dev', 'dev');
    await dev.git('push', '--quiet', 'origin', 'staging');
    const merge = await dev.git('rev-parse', 'HEAD');

    expect(await good(first, commitPins)).toMatchObject({ outcome: 'committed', parent: merge, revision: older });
    expect(pinnedSource()).toBe(older);
    const tip = await world.clone();
    expect(await carry(tip, pin, { check: true })).toMatchObject({ exitCode: 2, said: expect.stringMatching(/ERR_PIN_STALE/) });
    // Whoever releases it now is told, and the next pipeline looks at all that came after what was built.
    world.git('update-ref', 'refs/heads/main', 'staging');
    expect(await carry(await world.clone('main'), promotion, {}, 'main')).toMatchObject({ exitCode: 2, said: expect.stringMatching(/ERR_PIN_STALE/) });
    expect(await good(tip, since)).toMatchObject({ base: older });

    // The pipeline of the merge began at its commit, before the pin commit was there.
    const second = await world.clone();
    await second.git('checkout', '--quiet', '--detach', merge);
    await good(second, pin);
    expect(await good(second, commitPins)).toMatchObject({ outcome: 'committed', revision: merge });
    expect(pinnedSource()).toBe(merge);
    await good(await world.clone(), pin, { check: true });

    // A rerun of the first one comes late.
    const again = await world.clone();
    await again.git('checkout', '--quiet', '--detach', older);
    await good(again, pin);
    expect(await good(again, commitPins)).toMatchObject({
      outcome: 'there',
      changes: [],
      leftOut: [{ file, reason: expect.stringContaining('later source') }],
    });
    expect([pinnedSource(), world.pinCommits().length]).toEqual([merge, 2]);
    await good(await world.clone(), pin, { check: true });
  });
});

describe('Fifty processors of which three fail', () => {
  const names = Array.from({ length: 50 }, (_, at) => `p${String(at).padStart(2, '0')}`);
  const [UNBUNDLED, WRONG, REFUSED] = ['p07', 'p23', 'p41'] as const;
  const BROKEN = {
    [`processors/acme-${UNBUNDLED}/src/main.ts`]: 'const = 1;\n',
    [`processors/acme-${UNBUNDLED}/Dockerfile`]: 'FROM scratch\nCOPY dist/ /\n',
    [`processors/acme-${WRONG}/Dockerfile`]: 'FROM scratch\nCOPY absent.txt /\n',
  };

  it('are pinned but for the three, which are named; nothing is committed; and the rerun builds three', async () => {
    const world = await openLanes(await makeSmall(names, BROKEN), `${registry.host}/fifty`);
    const affected = async (job: TestWorkspace) => {
      const { base } = (await world.carryOut(job.root, since, 'staging')).document as Since;
      registry.requests.length = 0;
      const ran = await job.nxWith({ ...world.env('staging'), NX_BASE: base }, 'affected', '-t', 'pin', '--outputStyle=static');
      const sources = await Promise.all(names.map((name) => job.read(`processors/acme-${name}/registry.yaml`)));
      const pushed = registry.requests.flatMap(({ method, url }) =>
        method === 'PUT' ? (/\/fifty\/acme\/acme-(p\d\d)\/manifests\/source-/.exec(url)?.[1] ?? []) : [],
      );
      return { ...ran, unpinned: names.filter((_, at) => !sources[at]!.includes('sha256:')), pushed: [...new Set(pushed)].sort() };
    };

    const first = await world.clone();
    const tip = world.git('rev-parse', 'staging');
    registry.faults.push({
      when: ({ method, url }) => method === 'PUT' && url.includes(`/acme-${REFUSED}/manifests/`),
      fault: { kind: 'answer', status: 403 },
    });
    const failing = await affected(first);
    registry.faults.length = 0;
    expect([failing.exitCode, failing.unpinned]).toEqual([1, [UNBUNDLED, WRONG, REFUSED]]);
    expect(failing.output).toMatch(/ERR_BUNDLE_FAILED: processors\/acme-p07\/src\/main\.ts:1:/);
    expect(failing.output).toMatch(/ERR_COPY_MISSING: processors\/acme-p23\/Dockerfile:2:/);
    expect(failing.output).toMatch(/ERR_REGISTRY_DENIED: [^\n]*acme-p41/);
    expect(failing.output.match(/^ERR_\w+/gm)).toHaveLength(3);
    // The workflow ends here. Whoever goes on by hand is told: a pin commit would say that all fifty are pinned, and the three would be affected no more.
    const refused = await world.carryOut(first.root, commitPins, 'staging');
    expect(refused).toMatchObject({ exitCode: 1, code: 'ERR_PIN_COMMIT_UNFINISHED', said: expect.stringContaining('acme-p07, acme-p23, acme-p41') });
    expect(world.git('rev-parse', 'staging')).toBe(tip);

    const mend = await world.clone();
    await mend.write({ [`processors/acme-${UNBUNDLED}/src/main.ts`]: 'console.log(1);\n', [`processors/acme-${WRONG}/absent.txt`]: 'there\n' });
    await mend.commit('mended');
    await mend.git('push', '--quiet', 'origin', 'staging');
    const second = await world.clone();
    const mended = await affected(second);
    expect({ exitCode: mended.exitCode, output: mended.exitCode === 0 ? '' : mended.output }).toEqual({ exitCode: 0, output: '' });
    expect([mended.unpinned, mended.pushed]).toEqual([[], [UNBUNDLED, WRONG, REFUSED]]);
    const committed = (await world.carryOut(second.root, commitPins, 'staging')).document as PinCommit;
    expect([committed.outcome, committed.changes.length, world.pinCommits().length]).toEqual(['committed', 50, 1]);
  });
});
