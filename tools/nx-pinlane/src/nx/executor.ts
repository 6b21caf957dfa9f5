import type { ExecutorContext } from '@nx/devkit';
import type { Verb } from '../command/verb.ts';
import { runOf, runTask, type Options } from './run-task.ts';

export { batchExecutor } from './batch-executor.ts';

/** An Nx executor around a verb, for a task that has a process of its own. */
export const executor =
  (load: () => Promise<Verb>) =>
  async (options: Options, context: ExecutorContext): Promise<{ success: boolean }> => ({ success: await runTask(load, options, context, runOf(context)) });
