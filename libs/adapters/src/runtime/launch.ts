import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Isolation, NetworkView, RunningProcessor, StartOptions } from '@pinlane/contracts';
import { awaitAnswer } from './await-answer.ts';
import { makeBridgeFolder } from './bridge-client.ts';
import type { BridgeOrder } from './bridge.ts';
import { createLogBuffer } from './log-buffer.ts';
import { stopOnce } from './stop-once.ts';

/** How one runtime starts one processor, decided. */
export interface LaunchPlan {
  readonly isolation: Isolation;
  /** What comes before the bridge on the command line; empty where the bridge needs no namespace of its own. */
  readonly outer: readonly string[];
  readonly order: BridgeOrder;
  /** The artifacts root as the processor names it. */
  readonly artifactsRoot: string;
}

export const DEFAULT_GRACE_MS = 10_000;

/**
 * Starts a processor behind a bridge and waits until it answers. When this process dies, however it dies, the bridge's
 * stdin ends and the bridge takes the processor along.
 * @throws ERR_START_FAILED with the end of the log, ERR_CANCELLED
 */
export const launch = async (plan: LaunchPlan, options: StartOptions): Promise<RunningProcessor> => {
  const { signal } = options;
  const folder = await makeBridgeFolder();
  const [command = process.execPath, ...args] = [...plan.outer, process.execPath, folder.program, folder.shared, folder.path];

  const startedAt = performance.now();
  const log = createLogBuffer();
  const child = spawn(command, args, { env: { PATH: process.env['PATH'] ?? '' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
    child.once('error', (error) => {
      log.add('stderr', Buffer.from(`${command}: ${error.message}\n`));
      resolve(null);
    });
  });
  let running = true;
  let stopped = false;
  let ended: string | null = null;
  void exited.then((code) => {
    running = false;
    if (!stopped) ended = `ended with exit code ${code}`;
  });
  child.stdout.on('data', (chunk: Uint8Array) => log.add('stdout', chunk));
  child.stderr.on('data', (chunk: Uint8Array) => log.add('stderr', chunk));
  // A bridge that ended early breaks this pipe; its exit is what is reported.
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(plan.order)}\n`);

  const end = async (): Promise<void> => {
    stopped = true;
    child.stdin.end();
    const killed = await Promise.race([exited.then(() => true), sleep(2000, false, { ref: false })]);
    if (!killed) child.kill('SIGKILL');
    await folder.remove();
  };

  const healthyAfterMs = await awaitAnswer(
    { startedAt, request: folder.request, exited, running: () => running, end, why: async () => `ended with exit code ${await exited}`, logs: log.all },
    options,
  );

  const stop = stopOnce({
    ask: async () => {
      stopped = true;
      if (running) await folder.ask({ op: 'signal', signal: 'SIGTERM' }).catch(() => null);
    },
    exited,
    end,
    signal,
  });

  return {
    isolation: plan.isolation,
    healthyAfterMs,
    artifacts: options.artifacts,
    artifactsRoot: plan.artifactsRoot,
    port: plan.order.port,
    request: folder.request,
    observeNetwork: async (targets) => (await folder.ask({ op: 'observe', targets })) as NetworkView,
    suspend: async () => void (await folder.ask({ op: 'signal', signal: 'SIGSTOP' })),
    resume: async () => void (await folder.ask({ op: 'signal', signal: 'SIGCONT' })),
    logs: log.all,
    stderr: () => log.of('stderr'),
    ended: () => ended,
    stop: (graceMs = DEFAULT_GRACE_MS) => stop(graceMs),
  };
};
