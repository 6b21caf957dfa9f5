import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  asPinlaneError,
  DEPLOY_ENVIRONMENTS,
  fail,
  isPinlaneError,
  type DeployEnvironment,
  type Known,
  type Platform,
  type Problem,
  type RunnableImage,
  type Runtime,
  type RuntimeName,
} from '@pinlane/contracts';
import { inParallel, isGone, type Holder } from '@pinlane/oci';
import type { AppPlace, DeploymentPlan, EnvironmentSurvey, HostingIo, HostingPlatform, ObservedApp, StartedProbe } from '@pinlane/pipeline';
import { makeRunFolder, removeTree } from '../../files/index.ts';
import { startProgram, type StartedProgram } from '../../process/index.ts';
import { chooseRuntime } from '../../runtime/index.ts';
import { createFront } from './front.ts';
import { createLocalSecrets, type LocalSecrets } from './secret-store.ts';
import { startLocal, startTimeoutOf } from './start.ts';
import {
  appFolders,
  appNames,
  isAlive,
  makePrivate,
  planOf,
  readConfigured,
  readStatus,
  writeState,
  type AppFolders,
  type Configured,
  type Status,
} from './state.ts';
import type { SupervisorOrder } from './supervise.ts';

/** What the platform of this machine is made with. */
export interface LocalHostingOptions {
  /** The folder of all deployments. */
  readonly deployments: string;
  /** The platform of this machine. */
  readonly takes: Platform;
  readonly runtime: 'auto' | RuntimeName;
  /** Starts a supervisor, which reads its order from stdin. */
  readonly supervisor: { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> };
  /** Opens the image of a plan here; it is unpacked here too, so that what is wrong with it is told by the command. */
  readonly openImage: (plan: DeploymentPlan, signal: AbortSignal) => Promise<RunnableImage>;
  /** What a supervisor opens the image with. */
  readonly imageOrder: (plan: DeploymentPlan) => unknown;
  /** Who deploys. */
  readonly user: string;
  /** Where the folders of probes are made. */
  readonly temporary: string;
  readonly runtimes?: readonly Runtime[];
}

/** How often a file is looked at that is waited for, in ms. */
const LOOK_MS = 30;
/** How long a supervisor may take besides the start of its processor, in ms. */
const SUPERVISOR_MS = 30_000;
/** How long an app may take to end before it is ended, in ms. */
const END_MS = 15_000;

/** How many apps are looked at at once. */
const AT_ONCE = 32;

const known = <T>(value: T): Known<T> => ({ known: true, value });

const absent = (place: AppPlace): ObservedApp => ({
  adapter: 'local',
  ...place,
  state: known('absent'),
  version: known(null),
  deployedAt: known(null),
  deployedBy: known(null),
  image: known(null),
  settings: known(null),
  secrets: known([]),
  secretsCurrent: known(true),
  url: known(null),
});

const unknown = (place: AppPlace, reason: string): ObservedApp => {
  const not = { known: false as const, reason };
  return {
    adapter: 'local',
    ...place,
    ...{ state: not, version: not, deployedAt: not, deployedBy: not, image: not, settings: not, secrets: not, secretsCurrent: not, url: not },
  };
};

/** A fact, or why this machine does not tell it. */
const asKnown = async <T>(work: Promise<T>): Promise<Known<T>> => {
  try {
    return known(await work);
  } catch (error) {
    return { known: false, reason: asPinlaneError(error).message };
  }
};

/** The versions of an app that left a status, the highest last. */
const versionsOf = async ({ root }: AppFolders): Promise<number[]> => {
  const names = await readdir(root).catch(() => []);
  return names.flatMap((name) => Number(/^v(\d+)\.json$/.exec(name)?.[1] ?? []) || []).sort((a, b) => a - b);
};

/** Sends a signal to a supervisor, if it is that very process. */
const signalTo = async (status: Status | null, signal: NodeJS.Signals): Promise<void> => {
  if (status === null || (await isGone(status.holder as Holder))) return;
  try {
    process.kill(status.holder.pid, signal);
  } catch {
    // It has just ended.
  }
};

/** Waits until a supervisor has ended; one that does not is killed, and the bridge of its processor takes that along. */
const awaitEnd = async (folders: AppFolders, version: number): Promise<void> => {
  const giveUp = performance.now() + END_MS;
  for (;;) {
    const status = await readStatus(folders, version).catch(() => null);
    if (status === null || (await isGone(status.holder as Holder))) return;
    if (performance.now() > giveUp + 5000) return fail('ERR_DEPLOY_FAILED', `the supervisor of version ${version}, process ${status.holder.pid}, does not end`);
    if (performance.now() > giveUp) await signalTo(status, 'SIGKILL');
    await sleep(LOOK_MS);
  }
};

/** Ends versions that were begun and never configured, and removes what ended versions left. */
const sweep = async (folders: AppFolders, keep: number): Promise<void> => {
  for (const version of await versionsOf(folders)) {
    if (version === keep) continue;
    await signalTo(await readStatus(folders, version).catch(() => null), 'SIGTERM');
    await awaitEnd(folders, version);
    await rm(folders.status(version), { force: true });
    await removeTree(folders.artifacts(version)).catch(() => undefined);
  }
};

/** Waits for a phase of a version. @throws ERR_DEPLOY_FAILED if it ends before, or takes too long; ERR_CANCELLED */
const awaitPhase = async (
  folders: AppFolders,
  version: number,
  phase: Status['phase'],
  { program, atMostMs, signal }: { readonly program: StartedProgram; readonly atMostMs: number; readonly signal: AbortSignal },
): Promise<Status> => {
  let ended = false;
  void program.exited.then(() => {
    ended = true;
  });
  const giveUp = performance.now() + atMostMs;
  for (;;) {
    if (signal.aborted) return fail('ERR_CANCELLED', 'the deployment was interrupted; the version before it stays');
    const wasEnded = ended;
    const status = await readStatus(folders, version).catch(() => null);
    if (status?.phase === phase || (phase === 'standby' && status?.phase === 'serving')) return status;
    const why = status?.why ?? 'its supervisor ended at once';
    if (wasEnded || status?.phase === 'failed') return fail('ERR_DEPLOY_FAILED', `version ${version} did not start: ${why}`, { fix: `Read ${folders.log}.` });
    if (performance.now() > giveUp)
      return fail('ERR_DEPLOY_FAILED', `version ${version} was not ${phase} within ${atMostMs} ms`, { fix: `Read ${folders.log}.` });
    await sleep(LOOK_MS);
  }
};

/** The platform of this machine: each app is a supervisor of ours, which goes on when the command is over. */
export const createLocalHosting = (options: LocalHostingOptions): HostingPlatform & { readonly secrets: LocalSecrets } => {
  const { deployments, takes, runtimes } = options;
  const secrets = createLocalSecrets(deployments);
  const foldersOf = (place: AppPlace): AppFolders => appFolders(deployments, place);
  const runtimeFor = ({ progress, signal }: HostingIo): Promise<Runtime> =>
    // A lane demands a blocked network of a test, and this is none.
    chooseRuntime(options.runtime, { lane: 'local', progress, signal, ...(runtimes === undefined ? {} : { runtimes }) });

  const observe = async (place: AppPlace, configured: Configured): Promise<ObservedApp> => {
    const status = await readStatus(foldersOf(place), configured.version);
    const runs = !configured.stopped && (await isAlive(status));
    const { secret } = configured;
    return {
      adapter: 'local',
      ...place,
      state: known(runs ? 'running' : 'stopped'),
      version: known(configured.version),
      deployedAt: known(configured.deployedAt),
      deployedBy: known(configured.deployedBy),
      ...(runs
        ? {}
        : { stopped: configured.stoppedAt === undefined ? { at: null, by: null } : { at: configured.stoppedAt, by: configured.stoppedBy ?? null } }),
      image: known(configured.digest),
      settings: known(planOf(configured).expected),
      secrets: known(secret === null ? [] : [{ name: secret.name, keys: secret.keys }]),
      secretsCurrent: known(secret === null || (await secrets.markOf(place.environment, secret.name)) === secret.mark),
      url: known(runs ? `http://127.0.0.1:${configured.port}` : null),
    };
  };
  const describe: HostingPlatform['describe'] = async ({ environment, app }) => {
    const place = { environment, app };
    try {
      const configured = await readConfigured(foldersOf(place));
      return configured === null ? absent(place) : await observe(place, configured);
    } catch (error) {
      return unknown(place, `the state of the app can not be read (${(error as NodeJS.ErrnoException).code ?? 'it is broken'})`);
    }
  };

  const survey = async (environment: DeployEnvironment, apps: Iterable<string> | AsyncIterable<string>): Promise<EnvironmentSurvey> => {
    const asked = new Set<string>();
    for await (const app of apps) asked.add(app);
    const tell = (app: string): Promise<ObservedApp> => describe({ environment, app }, new AbortController().signal);
    const told = await inParallel([...asked], AT_ONCE, async (app) => [app, await tell(app)] as const);
    const names = await asKnown(appNames(deployments, environment));
    if (!names.known) return { asked: new Map(told), others: names, published: names };
    const others = await inParallel(
      names.value.filter((name) => !asked.has(name)),
      AT_ONCE,
      async (app) => ({ seen: await tell(app), slug: (await readConfigured(foldersOf({ environment, app })).catch(() => null))?.plan['slug'] }),
    );
    const running = others.filter(({ seen: { state } }) => !state.known || state.value === 'running');
    return {
      asked: new Map(told),
      others: known(running.map(({ seen }) => seen)),
      published: known(others.flatMap(({ slug }) => (typeof slug === 'string' ? [slug] : []))),
    };
  };

  const elsewhere: HostingPlatform['elsewhere'] = (environment, apps) =>
    asKnown(
      (async () => {
        const found = new Map<string, DeployEnvironment[]>(apps.map((app) => [app, []]));
        for (const other of DEPLOY_ENVIRONMENTS.filter((each) => each !== environment))
          for (const [app, { state }] of (await survey(other, apps)).asked) if (state.known && state.value === 'running') found.get(app)?.push(other);
        return found;
      })(),
    );

  const addressOf: HostingPlatform['addressOf'] = ({ environment, app, url }) => {
    if (!url.known || url.value === null)
      return fail('ERR_DEPLOY_UNREACHABLE', `the app ${app} in environment ${environment} has no address: ${url.known ? 'it does not run' : url.reason}`);
    return { url: url.value, headers: {} };
  };

  /** Starts the supervisor of a new version; it lives on without this process. */
  const startSupervisor = (order: SupervisorOrder): StartedProgram => {
    const program = startProgram({ ...options.supervisor, input: true, output: false, group: true });
    program.write(`${JSON.stringify(order)}\n`);
    program.endInput();
    return program;
  };

  const deploy: HostingPlatform['deploy'] = async (plan, io) => {
    const folders = foldersOf(plan.place);
    await makePrivate(folders.root);
    const runtime = await runtimeFor(io);
    io.progress('unpacking the image');
    const image = await options.openImage(plan, io.signal);
    if (runtime.name !== 'docker') await image.rootfs();
    const before = await readConfigured(folders).catch(() => null);
    const alive = before !== null && !before.stopped && (await isAlive(await readStatus(folders, before.version).catch(() => null)));
    const version = Math.max(before?.version ?? 0, ...(await versionsOf(folders))) + 1;
    const values = plan.secret === null ? {} : await secrets.values(plan.place.environment, plan.secret);
    const mark = plan.secret === null ? '' : await secrets.markOf(plan.place.environment, plan.secret);
    const order: SupervisorOrder = {
      ...{ deployments, plan, version, runtime: runtime.name, port: before?.port ?? 0, secrets: values, image: options.imageOrder(plan) },
      listens: alive ? 'when-configured' : 'at-once',
    };
    io.progress(`starting version ${version} in ${runtime.name}`);
    const program = startSupervisor(order);
    try {
      const atMostMs = startTimeoutOf(plan) + SUPERVISOR_MS;
      const standby = await awaitPhase(folders, version, 'standby', { program, atMostMs, signal: io.signal });
      const configured: Configured = {
        ...{ kind: 'LocalApp', adapter: 'local', version, stopped: false, port: standby.port ?? order.port, digest: plan.image.digest },
        plan: plan as unknown as Configured['plan'],
        secret: plan.secret === null ? null : { name: plan.secret, keys: Object.keys(values).sort(), mark },
        runtime: runtime.name,
        deployedAt: new Date().toISOString(),
        deployedBy: options.user,
      };
      await writeState(folders.configured, configured);
      await awaitPhase(folders, version, 'serving', { program, atMostMs: SUPERVISOR_MS + END_MS, signal: io.signal });
    } catch (error) {
      if ((await readConfigured(folders).catch(() => null))?.version !== version) program.kill('SIGTERM');
      throw error;
    } finally {
      program.unref();
    }
    await sweep(folders, version);
  };

  const probe: HostingPlatform['probe'] = async (plan, atMostMs, io): Promise<StartedProbe> => {
    const runtime = await runtimeFor(io);
    const folder = await makeRunFolder(options.temporary, 'pinlane-probe-', io.signal);
    const over = AbortSignal.any([io.signal, AbortSignal.timeout(atMostMs)]);
    let removing: Promise<void> | undefined;
    try {
      const image = await options.openImage(plan, over);
      const running = await startLocal(plan, { runtime, image, secrets: {}, artifacts: join(folder, 'artifacts'), signal: over });
      const front = createFront(() => running.socket);
      const end = async (): Promise<void> => {
        await front.close();
        await running.stop(0);
        await removeTree(folder);
      };
      const remove = (): Promise<void> =>
        (removing ??= end().catch((cause: Error) => fail('ERR_DEPLOY_CLEANUP', `the probe in ${folder} may still run: ${cause.message}`, { cause })));
      over.addEventListener('abort', () => void remove().catch(() => undefined), { once: true });
      return { url: `http://127.0.0.1:${await front.listen(0, 0)}`, headers: {}, remove };
    } catch (error) {
      await removeTree(folder).catch(() => undefined);
      throw error;
    }
  };

  return {
    name: 'local',
    takes,
    proxyRefusal: null,
    secrets,
    preflight: async (plan, io) => {
      const problems: Problem[] = [];
      try {
        await runtimeFor(io);
      } catch (error) {
        if (isPinlaneError(error, 'ERR_CANCELLED')) throw error;
        problems.push(...asPinlaneError(error).problems);
      }
      if (plan.secret === null) return problems;
      const stored = await secrets.describe(plan.place.environment, plan.secret, io.signal);
      if (!stored.known) return [...problems, { code: 'ERR_HOSTING_UNAVAILABLE', message: stored.reason }];
      const keys = new Set(stored.value?.keys.map(({ name }) => name));
      const missing = plan.settings.secrets.required.filter((name) => !keys.has(name));
      if (missing.length > 0)
        problems.push({
          code: 'ERR_SECRET_MISSING',
          message: `the secret ${plan.secret} in environment ${plan.place.environment} lacks ${missing.join(', ')}`,
        });
      return problems;
    },
    describe,
    survey,
    elsewhere,
    deploy,
    rollover: async (place, io) => {
      const configured = await readConfigured(foldersOf(place));
      if (configured === null) return fail('ERR_DEPLOY_FAILED', `there is no app ${place.app} in environment ${place.environment}`);
      await deploy(planOf(configured), io);
    },
    stop: async (place) => {
      const folders = foldersOf(place);
      const configured = await readConfigured(folders).catch(() => null);
      if (configured?.stopped === false)
        await writeState(folders.configured, { ...configured, stopped: true, stoppedAt: new Date().toISOString(), stoppedBy: options.user });
      for (const version of await versionsOf(folders)) {
        if (version !== configured?.version) await signalTo(await readStatus(folders, version).catch(() => null), 'SIGTERM');
        await awaitEnd(folders, version);
      }
    },
    address: async (place, signal) => addressOf(await describe(place, signal)),
    addressOf,
    probe,
  };
};
