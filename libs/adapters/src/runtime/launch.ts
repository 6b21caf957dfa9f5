import { setTimeout as sleep } from 'node:timers/promises';
import type { Isolation, RunningProcessor, StartOptions } from '@pinlane/contracts';
import { awaitAnswer } from './await-answer.ts';
import { behindBridge, makeBridgeFolder, type BridgeFolder } from './bridge-client.ts';
import type { BridgeOrder } from './bridge.ts';
import { follow, type Followed } from './follow.ts';
import { logBufferFor, type LogBuffer } from './log-buffer.ts';
import { DEFAULT_GRACE_MS, stopOnce } from './stop-once.ts';

/** How one runtime starts one processor, decided. */
export interface LaunchPlan {
  readonly isolation: Isolation;
  /** What comes before the bridge on the command line; empty if the bridge needs no namespace of its own. */
  readonly outer: readonly string[];
  readonly order: BridgeOrder;
  /** The artifacts root as the processor names it. */
  readonly artifactsRoot: string;
}

/** How long a bridge may take to end by itself before it is killed, in ms. */
const BRIDGE_END_MS = 2000;

const startBridge = ({ outer, order }: LaunchPlan, folder: BridgeFolder, log: LogBuffer): Followed => {
  const [command = process.execPath, ...args] = [...outer, process.execPath, folder.program, folder.shared, folder.path];
  const bridge = follow({ command, args, env: { PATH: process.env['PATH'] ?? '' }, input: true }, log.add);
  bridge.write(`${JSON.stringify(order)}\n`);
  return bridge;
};

/**
 * Starts a processor behind a bridge and waits until it answers. When this process dies, however it dies, the bridge's
 * stdin ends and the bridge takes the processor along.
 * @throws ERR_START_FAILED with the end of the log, ERR_CANCELLED
 */
export const launch = async (plan: LaunchPlan, options: StartOptions): Promise<RunningProcessor> => {
  const folder = await makeBridgeFolder(options.signal);
  let stopped = false;
  let ended: string | null = null;
  const log: LogBuffer = logBufferFor(options.onOutput, (flooded) => {
    ended ??= flooded;
    bridge.endInput();
  });
  const bridge = startBridge(plan, folder, log);
  const { startedAt, exited, running } = bridge;
  const { request, ask } = folder;
  const why = async (): Promise<string> => exited.then((code) => ended ?? `ended with exit code ${code}`);
  void exited.then((code) => {
    if (!stopped) ended ??= `ended with exit code ${code}`;
  });
  const end = async (): Promise<void> => {
    stopped = true;
    bridge.endInput();
    const gone = await Promise.race([exited.then(() => true), sleep(BRIDGE_END_MS, false, { ref: false })]);
    if (!gone) bridge.kill('SIGKILL');
    await folder.remove();
  };

  const healthyAfterMs = await awaitAnswer({ startedAt, request, exited, running, end, why, logs: log.all }, options);
  const askToEnd = async (): Promise<void> => {
    stopped = true;
    if (running()) await ask({ op: 'signal', signal: 'SIGTERM' }).catch(() => null);
  };
  const stop = stopOnce({ ask: askToEnd, exited, end, signal: options.signal });
  return {
    ...behindBridge(folder, log, options),
    isolation: plan.isolation,
    healthyAfterMs,
    artifactsRoot: plan.artifactsRoot,
    port: plan.order.port,
    suspend: async () => void (await ask({ op: 'signal', signal: 'SIGSTOP' })),
    resume: async () => void (await ask({ op: 'signal', signal: 'SIGCONT' })),
    ended: () => ended,
    stop: (graceMs = DEFAULT_GRACE_MS) => stop(graceMs),
  };
};
