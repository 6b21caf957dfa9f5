import { setImmediate } from 'node:timers/promises';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { lazily } from '../command/lazily.ts';
import { createEnd } from '../command/at-end.ts';
import { createOnce } from '../command/once.ts';
import { onSignals } from '../command/run-verb.ts';
import type { Streams } from '../command/reporter.ts';
import type { Verb } from '../command/verb.ts';
import { inOrder } from './in-order.ts';
import { watchPrograms } from './own-end.ts';
import { parallelOf } from './parallel.ts';
import { runOf, runTask, type Options } from './run-task.ts';
import { createSlots } from './slots.ts';
import { environmentOf } from './task-environment.ts';
import { tasksOfRun, type TaskGraphOfNx } from './task-graph.ts';

/** What Nx is told of a task that is over; times in ms since 1970. */
interface TaskResult {
  readonly success: boolean;
  readonly terminalOutput: string;
  readonly startTime: number;
  readonly endTime: number;
  readonly status?: 'skipped';
}

/**
 * Streams that keep what a task says, for Nx to show as that task's when it is over: of what several tasks write at once nobody could tell whose it is.
 * What takes long is told at once, with --json everything but the document.
 */
const keeping = (json: boolean): { readonly streams: Streams; readonly said: () => string } => {
  const kept: string[] = [];
  const keep = { write: (text: string) => kept.push(text) };
  return { streams: { stdout: keep, stderr: json ? process.stderr : keep, aside: process.stderr }, said: () => kept.join('') };
};

/** So many tasks more than may run at once are begun, as long as the others only wait for a registry. */
const WAITING_AT_ONCE = 16;

/**
 * Runs all tasks of a verb in a run of Nx in this one process, in which what they share is loaded, read and hashed once. As many of them run at once as Nx
 * would run processes; one that fails keeps those from running that depend on it, and no others.
 */
export async function* runBatch(given: () => Promise<Verb>, graph: TaskGraph, inputs: Readonly<Record<string, Options>>, context: ExecutorContext) {
  const load = lazily(given);
  const { signal, release } = onSignals();
  const endProcess = watchPrograms();
  const run = runOf(context);
  const { tasks, dependencies } = tasksOfRun(graph as unknown as TaskGraphOfNx, run.executorOf);
  const isVerbose = context.isVerbose || process.env['NX_VERBOSE_LOGGING'] === 'true';
  const environment = environmentOf(context);
  const once = createOnce();
  const { atEnd, end } = createEnd();

  const skip = (): TaskResult => ({ success: false, terminalOutput: '', startTime: Date.now(), endTime: Date.now(), status: 'skipped' });
  const atOnce = parallelOf(process.env, context.nxJsonConfiguration);
  const { run: inSlot, waiting } = createSlots(atOnce);
  const runOne = async (id: string): Promise<TaskResult> => {
    // A task that finds nothing to do waits for nothing, and a thousand of them would let nobody hear of Ctrl-C, or of the first result, before the last.
    await setImmediate();
    if (signal.aborted) return skip();
    const startTime = Date.now();
    const { target } = tasks[id]!;
    const options = inputs[id] ?? {};
    const { streams, said } = keeping(options['json'] === true);
    const place = {
      ...context,
      isVerbose,
      projectName: target.project,
      targetName: target.target,
      configurationName: target.configuration,
    } as ExecutorContext;
    const success = await runTask(load, options, place, run, { streams, env: environment(id), signal, waiting, once, atEnd });
    return { success, terminalOutput: said(), startTime, endTime: Date.now() };
  };

  try {
    const order = { atOnce: atOnce === 1 ? 1 : atOnce + WAITING_AT_ONCE, isGood: ({ success }: TaskResult) => success, skip };
    for await (const [task, result] of inOrder(dependencies, (id) => inSlot(() => runOne(id)), order)) yield { task, result };
  } finally {
    await end();
    release();
    endProcess();
  }
}
