// A namespace, because Node 20, on which somebody may start Nx, has no such export.
import * as nodeModule from 'node:module';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { lazily } from '../command/lazily.ts';
import type { Verb } from '../command/verb.ts';
import type { Options } from './run-task.ts';

/** Loads modules by way of V8's compile cache, which halves the time. It serves only what is loaded after this, so nothing large is imported above. */
const fromCompileCache = <T>(load: () => Promise<T>): (() => Promise<T>) =>
  lazily(() => {
    nodeModule.enableCompileCache?.();
    return load();
  });

const one = fromCompileCache(() => import('./run-task.ts'));
const many = fromCompileCache(() => import('./batch.ts'));

/** An Nx executor around a verb, for a task that has a process of its own. */
export const executor =
  (load: () => Promise<Verb>) =>
  async (options: Options, context: ExecutorContext): Promise<{ success: boolean }> => {
    const { runOf, runTask } = await one();
    return { success: await runTask(load, options, context, runOf(context)) };
  };

/** An Nx executor around a verb, for all tasks of it in a run: see `runBatch`. */
export const batchExecutor = (load: () => Promise<Verb>) =>
  async function* (graph: TaskGraph, inputs: Readonly<Record<string, Options>>, _overrides: unknown, context: ExecutorContext) {
    const { runBatch } = await many();
    yield* runBatch(load, graph, inputs, context);
  };
