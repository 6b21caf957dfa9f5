import type { ExecutorContext } from '@nx/devkit';
import { fail, formatProblem } from '@pinlane/contracts';
import type { BuildTargets } from '../command/context.ts';
import { lazily } from '../command/lazily.ts';
import type { Shared } from '../command/run-verb.ts';
import type { Verb } from '../command/verb.ts';
import { hideFromGit } from '../workspace/own-folder.ts';
import { isAfterBuild, isBuildWanted, isOnlyBefore, pinsWhatItTests, tasksOfRun, type TasksOfRun } from './task-graph.ts';

/** The options of a task, as Nx made them of its target's and of those that were typed. */
export type Options = Readonly<Record<string, unknown>>;

type Env = Shared['env'];

const running = lazily(() => import('../command/run-verb.ts'));
const building = lazily(async (): Promise<Verb> => (await import('../verbs/buildx/verb.ts')).verb);

/** Whether a task of `pin` does what `buildx` does, for the pins that wait for it; see `base-for-pins` of inference. */
const onlyBuilds = (options: Options | undefined): boolean => options?.['onlyBuilds'] === true;

/** The tasks of the run that a task is of. */
export const runOf = ({ taskGraph, projectsConfigurations }: ExecutorContext): TasksOfRun =>
  tasksOfRun(taskGraph, (project, name) => {
    const target = projectsConfigurations.projects[project]?.targets?.[name];
    return onlyBuilds(target?.options) ? '@pinlane/nx:buildx' : target?.executor;
  });

const taskId = ({ projectName = '', targetName = '', configurationName }: ExecutorContext): string =>
  [projectName, targetName, ...(configurationName === undefined ? [] : [configurationName])].join(':');

/** An image that is only there for an acceptance of the pinned one, or in a lane that builds nothing, is not built. */
const laneOptions = ({ name }: Verb, run: TasksOfRun, id: string, env: Env): Options =>
  (name === 'buildx' || name === 'base') && !isBuildWanted(run, id, env) ? { skip: true } : {};

/** What builds bundles first by itself, as the target `bundle` of its project says, if that is one of ours: so it answers for the source as it is now. */
const bundleOptions = ({ name }: Verb, { projectName = '', projectsConfigurations }: ExecutorContext): Options => {
  const target = name === 'buildx' || name === 'pin' ? projectsConfigurations.projects[projectName]?.targets?.['bundle'] : undefined;
  return target?.executor === '@pinlane/nx:bundle' ? { bundle: target.options ?? {} } : {};
};

/** The options of the target `buildx` in the task's configuration. */
const optionsOfBuild = ({ projectName = '', configurationName, projectsConfigurations }: ExecutorContext): Options => {
  const target = Object.values(projectsConfigurations.projects[projectName]?.targets ?? {}).find(({ executor }) => executor === '@pinlane/nx:buildx');
  return { ...target?.options, ...(configurationName === undefined ? {} : target?.configurations?.[configurationName]) };
};

/** `pin` and `acceptance` answer for the image that the target `buildx` builds. */
const buildOptions = ({ name }: Verb, context: ExecutorContext): Options => {
  const build = name === 'pin' || name === 'acceptance' ? optionsOfBuild(context) : {};
  return Object.keys(build).length === 0 ? {} : { build };
};

/** The targets by which the project of a folder is bundled and built, for a verb that asks after many. */
const buildTargets =
  ({ projectsConfigurations }: ExecutorContext) =>
  (projectRoot: string): BuildTargets => {
    const targets = Object.values(Object.values(projectsConfigurations.projects).find(({ root }) => root === projectRoot)?.targets ?? {});
    const optionsOf = (verb: string): Options | null => {
      const target = targets.find(({ executor }) => executor === `@pinlane/nx:${verb}`);
      return target === undefined ? null : ((target.options as Options | undefined) ?? {});
    };
    return { bundle: optionsOf('bundle'), buildx: optionsOf('buildx') };
  };

const hyphenated = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Nx splits at commas the one value of an option that may also be a list; the commas in `--secret=id=npm,env=TOKEN` are the option's own. */
const withoutSplits = (options: Options, context: ExecutorContext): Options => {
  const typed: Options = context.taskGraph?.tasks[taskId(context)]?.overrides ?? {};
  const whole = Object.keys(options).flatMap((name) => {
    const given = typed[name] ?? typed[hyphenated(name)];
    return Array.isArray(options[name]) && typeof given === 'string' ? [[name, given] as const] : [];
  });
  return { ...options, ...Object.fromEntries(whole) };
};

const refuseUnordered = (): never =>
  fail('ERR_OPTION_INVALID', 'this run tests the pinned image and pins another one, and nobody could say which of the two was tested', {
    fix: 'Run pin first, and acceptance when it is done.',
  });

/** @returns whether this Node is new enough; says so if it is not */
const requireNode = ({ projectName, targetName }: ExecutorContext, stderr: { write(text: string): unknown }): boolean => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return true;
  const message = `this is Node ${process.versions.node}, and ${projectName}:${targetName} needs Node 22.12`;
  stderr.write(`${formatProblem({ code: 'ERR_NODE_UNSUPPORTED', message })}\n`);
  return false;
};

const hidden = new Set<string>();

/** Once in a process, however many tasks it runs. */
const hideOnce = (root: string): void => {
  if (!hidden.has(root)) hideFromGit(root);
  hidden.add(root);
};

/**
 * Runs one task of Nx. Nx knows success and failure only; the exact exit code is that of the `pinlane` command.
 * @param run the tasks of the whole run
 * @param shared what the task shares with others of its process; absent if it has one of its own
 */
export const runTask = async (load: () => Promise<Verb>, options: Options, context: ExecutorContext, run: TasksOfRun, shared?: Shared): Promise<boolean> => {
  if (!requireNode(context, shared?.streams.stderr ?? process.stderr)) return false;
  if (isOnlyBefore(run, taskId(context), shared?.env ?? process.env)) return true;
  const builds = onlyBuilds(options);
  const [{ runVerb }, verb] = await Promise.all([running(), builds ? building() : load()]);
  const project = context.projectName ?? '';
  const env = shared?.env ?? process.env;
  const id = taskId(context);
  const place = {
    root: context.root,
    project,
    projectRoot: context.projectsConfigurations.projects[project]?.root ?? '',
    verbose: context.isVerbose,
    rootOf: async (other: string) => context.projectsConfigurations.projects[other]?.root ?? null,
    targetsOf: buildTargets(context),
    afterBuild: isAfterBuild(run, id, project),
  };
  if (verb.looksOnly !== true) hideOnce(context.root);
  const whole = {
    ...(builds ? optionsOfBuild(context) : withoutSplits(options, context)),
    ...bundleOptions(verb, context),
    ...buildOptions(verb, context),
    ...laneOptions(verb, run, id, env),
  };
  const unordered = verb.name === 'acceptance' && pinsWhatItTests(run, id, env);
  return (await runVerb(unordered ? { ...verb, run: refuseUnordered } : verb, whole, place, shared)) === 0;
};
