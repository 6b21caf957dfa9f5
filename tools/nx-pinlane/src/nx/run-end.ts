import type { PostTasksExecution } from '@nx/devkit';
import { BASE_FOR_PINS } from './inference/builds-before.ts';

type Context = Parameters<PostTasksExecution>[1];

/** The targets that others wait for. */
const BUILDS = ['buildx', BASE_FOR_PINS];

/** The builds that failed and for which other tasks may have waited; none if somebody interrupted the run, or asked for the one build alone. */
const failedBuilds = ({ taskResults, argv }: Pick<Context, 'taskResults' | 'argv'>): string[] => {
  const results = Object.values(taskResults);
  if (results.some(({ status }) => status === 'stopped')) return [];
  return results
    .filter(({ task, status }) => status === 'failure' && BUILDS.includes(task.target.target) && !argv.includes(task.id))
    .map(({ task }) => task.id);
};

/**
 * Nx calls this when a run is over. If a task was not begun because one before it failed, Nx 23 takes the run for an interrupted one and ends with 130; an
 * error of a plugin makes it 1, as any failure should.
 * @throws an error that names the builds that failed
 */
export const explainFailedBuilds: PostTasksExecution = (_options, context) => {
  const failed = failedBuilds(context);
  if (failed.length === 0) return;
  const error = new Error(
    `${failed.join(', ')} failed, and what waits for it was not run\nWhat is done stays done: run the same command again when it is mended.`,
  );
  // Nx prints the message, and offers a stack that would say nothing.
  delete error.stack;
  throw error;
};
