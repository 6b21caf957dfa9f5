// A namespace, because Node 20, on which somebody may start Nx, has no such export.
import * as nodeModule from 'node:module';
import type { ExecutorContext } from '@nx/devkit';
import { buildsNothing } from './lane.ts';
import type { Verb } from '../options/index.ts';
import type { Flow } from './run-verb.ts';

/** Whether Nx runs this task because another one depends on it. */
const isDependency = ({ taskGraph, projectName, targetName }: ExecutorContext): boolean =>
  Object.values(taskGraph?.dependencies ?? {}).some((ids) => ids.some((id) => `${id}:`.startsWith(`${projectName}:${targetName}:`)));

/** In a lane that builds nothing, what depends on a build says whether it can do without: `acceptance` can, `pin` refuses. */
const laneOptions = (verb: Verb, context: ExecutorContext): object =>
  (verb === 'buildx' || verb === 'base') && buildsNothing(process.env) && isDependency(context) ? { skip: true } : {};

/** One process instead of two: `buildx` bundles by itself, as the target `bundle` of its project says, where that is one of ours. */
const bundleOptions = (verb: Verb, { projectName = '', projectsConfigurations }: ExecutorContext): object => {
  const target = verb === 'buildx' ? projectsConfigurations.projects[projectName]?.targets?.['bundle'] : undefined;
  return target?.executor === '@pinlane/nx:bundle' ? { bundle: target.options ?? {} } : {};
};

/**
 * An Nx executor around a flow. Nx starts a process for each task, so what the flow needs is loaded only now, and from V8's compile
 * cache: it halves the time to load. Nx knows success and failure only; the exact exit code is that of the `pinlane` command.
 */
export const executor =
  <V extends Verb>(verb: V, load: () => Promise<Flow<V>>) =>
  async (options: unknown, context: ExecutorContext): Promise<{ success: boolean }> => {
    nodeModule.enableCompileCache?.();
    const [{ runVerb }, flow] = await Promise.all([import('./run-verb.ts'), load()]);
    const project = context.projectName ?? '';
    const projectRoot = context.projectsConfigurations.projects[project]?.root ?? '';
    const whole = { ...(options as object), ...bundleOptions(verb, context), ...laneOptions(verb, context) };
    return { success: (await runVerb(verb, flow, whole, { root: context.root, project, projectRoot, verbose: context.isVerbose })) === 0 };
  };
