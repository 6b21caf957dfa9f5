import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asPinlaneError, RUNTIME_NAMES, type RunnableImage, type RunningProcessor, type RuntimeName } from '@pinlane/contracts';
import { newHolder } from '@pinlane/oci';
import type { DeploymentPlan } from '@pinlane/pipeline';
import { removeTree } from '../../files/index.ts';
import { RUNTIMES } from '../../runtime/index.ts';
import { createFront } from './front.ts';
import { openLogFile } from './log-file.ts';
import { startLocal } from './start.ts';
import { appFolders, readConfigured, writeState, type Configured, type Status } from './state.ts';

/** What a supervisor is told, as JSON on its stdin, which no other process can read. */
export interface SupervisorOrder {
  /** The folder of all deployments. */
  readonly deployments: string;
  readonly plan: DeploymentPlan;
  readonly version: number;
  readonly runtime: RuntimeName;
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** Whether it listens at once, or only when its version is the configured one, because the version before still has the port. */
  readonly listens: 'at-once' | 'when-configured';
  readonly secrets: Readonly<Record<string, string>>;
  /** What opens the image again; a matter of whoever gave it. */
  readonly image: unknown;
}

const LOOK_MS = 150;
/** How long a version waits to become the configured one, in ms: whoever started it may have been killed. */
const STANDBY_AT_MOST_MS = 90_000;
/** How long the port of the version before is waited for. */
const PORT_PATIENCE_MS = 30_000;
const GRACE_MS = 5_000;
/** The pauses before restarts, in ms: each is twice as long as the one before, and a processor that ran well for a minute begins anew. */
export const BACKOFF = { first: 500, most: 30_000, wellAfter: 60_000 } as const;

/** The pause before a restart, after so many ends in a row. */
export const backoffAfter = (ends: number): number => Math.min(BACKOFF.most, BACKOFF.first * 2 ** Math.min(ends - 1, 16));

/** Whether a version is to run: `before` it is the configured one, while it is, and not any `longer`. */
export const standingOf = (configured: Configured | null, version: number): 'before' | 'configured' | 'over' => {
  if (configured === null || configured.version < version) return 'before';
  return configured.version === version && !configured.stopped ? 'configured' : 'over';
};

/**
 * Runs one version of an app until another one is configured, the app is stopped, or its folder is gone; starts the processor again when it ends. It looks
 * at what is configured and obeys nothing else, so that no command has to be alive, and none has to find it.
 * @param openImage opens the image of an order; called before each start
 */
export const supervise = async (order: SupervisorOrder, openImage: (order: SupervisorOrder, signal: AbortSignal) => Promise<RunnableImage>): Promise<void> => {
  const { plan, version, deployments, secrets } = order;
  const folders = appFolders(deployments, plan.place);
  const log = openLogFile(folders.log, Object.values(secrets));
  const ending = new AbortController();
  // Ends a processor without grace; what is only being started needs none.
  const killing = new AbortController();

  let status: Status = { holder: await newHolder(), phase: 'starting', port: null, restarts: 0, why: null };
  const tell = async (more: Partial<Status>): Promise<void> => {
    status = { ...status, ...more };
    // Whoever removed the folder wants nothing in it.
    if (existsSync(folders.root)) await writeState(folders.status(version), status);
  };
  let running: RunningProcessor | null = null;
  const end = (): void => {
    ending.abort();
    if (running === null) killing.abort();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  const front = createFront(() => running?.socket ?? null);
  const runtime = RUNTIMES.find(({ name }) => name === order.runtime) ?? RUNTIMES[RUNTIME_NAMES.length - 1]!;
  const start = async (): Promise<RunningProcessor> => {
    const image = await openImage(order, killing.signal);
    return startLocal(plan, { runtime, image, secrets, artifacts: folders.artifacts(version), onOutput: log.add, signal: killing.signal });
  };
  const listen = async (): Promise<number> => {
    if (order.listens === 'when-configured') return front.listen(order.port, PORT_PATIENCE_MS);
    return front.listen(order.port, 0).catch(() => front.listen(0, 0));
  };

  // Set while the processor is started again.
  let starting: Promise<void> | null = null;
  /** Looks until the version is over. */
  const watch = async (): Promise<void> => {
    const standbySince = performance.now();
    let wasConfigured = false;
    let [ends, startedAt, restartAt] = [0, performance.now(), 0];
    for (; !ending.signal.aborted; await sleep(LOOK_MS)) {
      if (!existsSync(folders.root)) return;
      // A file that can't be read says nothing.
      const standing = await readConfigured(folders)
        .then((configured) => standingOf(configured, version))
        .catch(() => null);
      if (standing === 'over' || (standing === 'before' && (wasConfigured || performance.now() - standbySince > STANDBY_AT_MOST_MS))) return;
      if (standing === 'configured' && !wasConfigured) {
        wasConfigured = true;
        if (status.port === null) await tell({ port: await listen() });
        await tell({ phase: running === null ? 'restarting' : 'serving' });
        log.say(`version ${version} listens on port ${status.port}`);
      }
      const why: string | null = running?.ended() ?? null;
      if (running !== null && why !== null) {
        ends = performance.now() - startedAt > BACKOFF.wellAfter ? 1 : ends + 1;
        restartAt = performance.now() + backoffAfter(ends);
        log.say(`the processor ${why}; it is started again in ${backoffAfter(ends)} ms`);
        await running.stop(0).catch(() => undefined);
        running = null;
        await tell({ phase: wasConfigured ? 'restarting' : 'standby', restarts: status.restarts + 1, why });
      }
      if (running === null && starting === null && performance.now() >= restartAt) {
        startedAt = performance.now();
        starting = start()
          .then(
            async (started) => {
              running = started;
              await tell({ phase: wasConfigured ? 'serving' : 'standby' });
            },
            async (error: Error) => {
              ends += 1;
              restartAt = performance.now() + backoffAfter(ends);
              log.say(`the processor did not start: ${error.message}; it is tried again in ${backoffAfter(ends)} ms`);
              await tell({ restarts: status.restarts + 1, why: error.message.split('\n')[0] ?? '' });
            },
          )
          .finally(() => {
            starting = null;
          });
      }
    }
  };

  try {
    await tell({});
    if (order.listens === 'at-once') await tell({ port: await listen() });
    running = await start();
    await tell({ phase: 'standby' });
    await watch();
    await tell({ phase: 'ended' });
  } catch (error) {
    log.say(`version ${version} ended: ${(error as Error).message}`);
    await tell({
      phase: 'failed',
      why: asPinlaneError(error)
        .problems.map(({ message }) => message)
        .join('; '),
    }).catch(() => undefined);
  } finally {
    end();
    // The version after takes the port, while what this one has begun comes to its end.
    front.release();
    // What is just being started comes to its end first, and is ended then.
    await (starting as Promise<void> | null)?.catch(() => undefined);
    await (running as RunningProcessor | null)?.stop(GRACE_MS).catch(() => undefined);
    killing.abort();
    await front.close();
    await removeTree(folders.artifacts(version)).catch(() => undefined);
  }
};
