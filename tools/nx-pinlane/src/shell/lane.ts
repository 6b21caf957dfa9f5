import { LANES, laneRules, type Lane } from '@pinlane/contracts';

type Env = Readonly<Record<string, string | undefined>>;

/** As much of Nx's task graph as is needed to see what a task is there for. */
export interface TasksOfRun {
  readonly tasks: Readonly<
    Record<
      string,
      {
        readonly target: { readonly project: string; readonly target: string; readonly configuration?: string };
        readonly overrides: Readonly<Record<string, unknown>>;
      }
    >
  >;
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  /** The executor of a project's target. */
  readonly executorOf: (project: string, target: string) => string | undefined;
}

/** The lane of a run as far as it is known before options are parsed; one that nobody knows is for the flow to refuse. */
export const laneOfRun = (env: Env, overrides: Readonly<Record<string, unknown>> = {}): Lane | undefined =>
  LANES.find((each) => each === (overrides['lane'] ?? env['PINLANE_LANE']?.trim()));

/** Whether the run's lane takes images as they are pinned and builds none. */
export const buildsNothing = (env: Env): boolean => {
  const lane = laneOfRun(env);
  return lane !== undefined && laneRules(lane).builds.length === 0;
};

/** Whether a command of its own, which no task graph stands around, makes an image of the source, in the lane that it is given or that of the run. */
export const buildsSource = (verb: string, options: Readonly<Record<string, unknown>>, env: Env): boolean => {
  const lane = laneOfRun(env, options);
  if (verb === 'acceptance') return options['pinned'] !== true && (lane === undefined || laneRules(lane).imageUnderTest === 'working-tree');
  return (verb === 'buildx' || verb === 'pin') && (lane === undefined || laneRules(lane).builds.length > 0);
};

const dependentsOf = ({ dependencies }: TasksOfRun, id: string): string[] => Object.keys(dependencies).filter((each) => dependencies[each]?.includes(id));

/** Whether a task of `acceptance` tests the pinned image, for which nothing is built. */
const testsPinned = ({ tasks }: TasksOfRun, id: string, env: Env): boolean => {
  const { target, overrides } = tasks[id]!;
  const lane = laneOfRun(env, overrides);
  const byLane = lane !== undefined && laneRules(lane).imageUnderTest === 'pinned';
  return byLane || target.configuration === 'pinned' || overrides['pinned'] === true;
};

const executorOfTask = ({ tasks, executorOf }: TasksOfRun, id: string): string => {
  const target = tasks[id]?.target;
  return ((target && executorOf(target.project, target.target)) ?? '').replace('@pinlane/nx:', '');
};

/**
 * Whether what a task builds is wanted in this run: nobody depends on it, so it was asked for; or something does that can't do without. An
 * acceptance of the pinned image can, and so can everything in a lane that builds nothing, where `pin` says that it may not.
 */
export const isBuildWanted = (run: TasksOfRun, id: string, env: Env): boolean => {
  const dependents = dependentsOf(run, id);
  if (dependents.length === 0) return true;
  if (buildsNothing(env)) return false;
  return dependents.some((each) => {
    const executor = executorOfTask(run, each);
    if (executor === 'acceptance') return !testsPinned(run, each, env);
    return executor === 'buildx' || executor === 'base' ? isBuildWanted(run, each, env) : true;
  });
};

/** Whether a run pins the very processor of which it also tests the pinned image, in no order: nobody could say which image was tested. */
export const pinsWhatItTests = (run: TasksOfRun, id: string, env: Env): boolean => {
  const { target } = run.tasks[id]!;
  const before = new Set(run.dependencies[id]);
  for (const each of before) for (const other of run.dependencies[each] ?? []) before.add(other);
  const isItsPin = (each: string): boolean => run.tasks[each]?.target.project === target.project && executorOfTask(run, each) === 'pin';
  return testsPinned(run, id, env) && Object.keys(run.tasks).some((each) => isItsPin(each) && !before.has(each));
};
