// A namespace, because Node 20, on which somebody may start Nx, has no such export.
import * as nodeModule from 'node:module';
import type { ExecutorContext } from '@nx/devkit';
import { fail, formatProblem } from '@pinlane/contracts';
import { isBuildWanted, pinsWhatItTests, type TasksOfRun } from './lane.ts';
import type { Verb } from '../options/index.ts';
import type { Flow } from './run-verb.ts';

const runOf = ({ taskGraph, projectsConfigurations }: ExecutorContext): TasksOfRun => ({
  tasks: taskGraph?.tasks ?? {},
  dependencies: taskGraph?.dependencies ?? {},
  executorOf: (project, target) => projectsConfigurations.projects[project]?.targets?.[target]?.executor,
});

const taskId = ({ projectName = '', targetName = '', configurationName }: ExecutorContext): string =>
  [projectName, targetName, ...(configurationName === undefined ? [] : [configurationName])].join(':');

/** What is only there for an acceptance of the pinned image, or in a lane that builds nothing, has nothing to do. */
const laneOptions = (verb: Verb, context: ExecutorContext): object =>
  (verb === 'buildx' || verb === 'base') && !isBuildWanted(runOf(context), taskId(context), process.env) ? { skip: true } : {};

/** Whether Nx built the image before this task, in the same run. */
const isAfterBuild = (context: ExecutorContext): boolean =>
  (context.taskGraph?.dependencies[taskId(context)] ?? []).some(
    (id) => runOf(context).executorOf(context.projectName ?? '', id.split(':')[1] ?? '') === '@pinlane/nx:buildx' && id.startsWith(`${context.projectName}:`),
  );

const refuseUnordered = (): never =>
  fail('ERR_OPTION_INVALID', 'this run tests the pinned image and pins another one, and nobody could say which of the two was tested', {
    fix: 'Run pin first, and acceptance when it is done.',
  });

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
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    if (major < 22 || (major === 22 && minor < 12)) {
      const message = `this is Node ${process.versions.node}, and ${context.projectName}:${verb} needs Node 22.12`;
      process.stderr.write(`${formatProblem({ code: 'ERR_NODE_UNSUPPORTED', message })}\n`);
      return { success: false };
    }
    nodeModule.enableCompileCache?.();
    const [{ runVerb }, flow] = await Promise.all([import('./run-verb.ts'), load()]);
    const project = context.projectName ?? '';
    const projectRoot = context.projectsConfigurations.projects[project]?.root ?? '';
    const whole = { ...(options as object), ...bundleOptions(verb, context), ...laneOptions(verb, context) };
    const unordered = verb === 'acceptance' && pinsWhatItTests(runOf(context), taskId(context), process.env);
    const place = { root: context.root, project, projectRoot, verbose: context.isVerbose, afterBuild: isAfterBuild(context) };
    return { success: (await runVerb(verb, unordered ? refuseUnordered : flow, whole, place)) === 0 };
  };
