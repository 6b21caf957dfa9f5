import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, type Isolation, type NetworkView, type RunningProcessor, type StartOptions } from '@pinlane/contracts';
import { bridgeSource, type BridgeOrder, type BridgeQuestion } from './bridge.ts';
import { sendRequest } from './http-client.ts';
import { createLogBuffer } from './log-buffer.ts';

/** How one runtime starts one processor, decided. */
export interface LaunchPlan {
  readonly isolation: Isolation;
  /** What comes before the bridge on the command line; empty where the bridge needs no namespace of its own. */
  readonly outer: readonly string[];
  readonly order: BridgeOrder;
  /** The artifacts root as the processor names it. */
  readonly artifactsRoot: string;
}

const DEFAULT_GRACE_MS = 10_000;
const LOG_TAIL_LINES = 30;
// The kernel allows 107 bytes for the path of a unix socket.
const MAX_FOLDER = 80;

const tailOf = (log: string): string => {
  const lines = log.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  return lines === '' ? 'It wrote nothing.' : `Its log ends:\n${lines}`;
};

/** First as often as a start can be noticed, then rarely enough not to slow the start down. */
const pauseBefore = (elapsedMs: number): number => (elapsedMs < 1000 ? 8 : elapsedMs < 5000 ? 25 : 200);

/**
 * Starts a processor behind a bridge and waits until it answers. When this process dies, however it dies, the bridge's
 * stdin ends and the bridge takes the processor along.
 * @throws ERR_START_FAILED with the end of the log, ERR_CANCELLED
 */
export const launch = async (plan: LaunchPlan, options: StartOptions): Promise<RunningProcessor> => {
  const { signal } = options;
  const base = tmpdir().length <= MAX_FOLDER ? tmpdir() : '/tmp';
  const folder = await mkdtemp(join(base, 'pinlane-run-'));
  const program = join(folder, 'bridge.cjs');
  await writeFile(program, bridgeSource());
  const [command = process.execPath, ...args] = [...plan.outer, process.execPath, program, folder];

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
  void exited.then(() => (running = false));
  child.stdout.on('data', (chunk: Uint8Array) => log.add('stdout', chunk));
  child.stderr.on('data', (chunk: Uint8Array) => log.add('stderr', chunk));
  // A bridge that ended early breaks this pipe; its exit is what is reported.
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(plan.order)}\n`);

  const to = { socketPath: join(folder, 'http.sock') };
  const ask = async (question: BridgeQuestion): Promise<unknown> => {
    const socket = connect(join(folder, 'control.sock'));
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(question)}\n`);
    return JSON.parse(await text(socket));
  };
  const end = async (): Promise<void> => {
    child.stdin.end();
    const killed = await Promise.race([exited.then(() => true), sleep(2000, false, { ref: false })]);
    if (!killed) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };

  const answered = async (): Promise<boolean> => {
    const response = await sendRequest(to, { method: 'GET', path: '/healthz', timeoutMs: 2000 }).catch(() => null);
    return response !== null && (options.until === 'answering' || response.status === 200);
  };
  for (;;) {
    const elapsed = performance.now() - startedAt;
    const gaveUp = signal?.aborted ? 'aborted' : !running ? 'exited' : elapsed > options.startTimeoutMs ? 'late' : null;
    if (gaveUp !== null) {
      await end();
      if (gaveUp === 'aborted') return fail('ERR_CANCELLED', 'the start of the processor was interrupted');
      const why =
        gaveUp === 'exited' ? `ended with exit code ${await exited} before it answered` : `did not answer /healthz within ${options.startTimeoutMs} ms`;
      return fail('ERR_START_FAILED', `the processor ${why}. ${tailOf(log.all())}`, { fix: 'Read the end of its log above.' });
    }
    if (await answered()) break;
    await Promise.race([sleep(pauseBefore(elapsed)), exited]);
  }
  const healthyAfterMs = Math.round(performance.now() - startedAt);

  let stopping: Promise<{ exitCode: number | null }> | undefined;
  const stop = async (graceMs: number): Promise<{ exitCode: number | null }> => {
    if (running) await ask({ op: 'signal', signal: 'SIGTERM' }).catch(() => null);
    await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
    await end();
    return { exitCode: await exited };
  };
  const abort = (): void => void (stopping ??= stop(0));
  signal?.addEventListener('abort', abort, { once: true });
  void exited.then(() => signal?.removeEventListener('abort', abort));

  return {
    isolation: plan.isolation,
    healthyAfterMs,
    artifacts: options.artifacts,
    artifactsRoot: plan.artifactsRoot,
    port: plan.order.port,
    request: (request) => sendRequest(to, request),
    observeNetwork: async (targets) => (await ask({ op: 'observe', targets })) as NetworkView,
    suspend: async () => void (await ask({ op: 'signal', signal: 'SIGSTOP' })),
    resume: async () => void (await ask({ op: 'signal', signal: 'SIGCONT' })),
    logs: log.all,
    stderr: () => log.of('stderr'),
    stop: (graceMs = DEFAULT_GRACE_MS) => (stopping ??= stop(graceMs)),
  };
};
