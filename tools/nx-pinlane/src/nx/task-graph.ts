import { mayBeAsked } from './asked.ts';
import { laneOf, mayBuild, testsPinned as laneTestsPinned } from '@pinlane/pipeline';

type Env = Readonly<Record<string, string | undefined>>;

/** The part of Nx's task graph that tells why a task is in the run. */
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
  /** The tasks that depend on a task; none if it is not among the keys. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** The executor of a project's target. */
  readonly executorOf: (project: string, target: string) => string | undefined;
}

/** Nx's task graph as any version of Nx hands it over: an edge is the id of a task, and from Nx 24 on an object that holds it. */
export interface TaskGraphOfNx {
  readonly tasks: TasksOfRun['tasks'];
  readonly dependencies: Readonly<Record<string, readonly (string | { readonly id: string })[]>>;
}

/** The tasks of a run, of whichever Nx runs them. */
export const tasksOfRun = (graph: TaskGraphOfNx | undefined, executorOf: TasksOfRun['executorOf']): TasksOfRun => {
  const edges = Object.entries(graph?.dependencies ?? {}).map(
    ([id, before]) => [id, before.map((edge) => (typeof edge === 'string' ? edge : edge.id))] as const,
  );
  const dependents = new Map<string, string[]>();
  for (const [id, before] of edges)
    for (const each of new Set(before)) {
      const known = dependents.get(each);
      if (known === undefined) dependents.set(each, [id]);
      else known.push(id);
    }
  return { tasks: graph?.tasks ?? {}, dependencies: Object.fromEntries(edges), dependents, executorOf };
};

/** Whether the run's lane takes images as they are pinned and builds none. A lane that nobody knows is for the verb to refuse. */
const buildsNothing = (env: Env): boolean => {
  const lane = laneOf(undefined, env['PINLANE_LANE']);
  return lane !== null && !mayBuild(lane);
};

const dependentsOf = ({ dependents }: TasksOfRun, id: string): readonly string[] => dependents.get(id) ?? [];

/** Whether a task of `acceptance` tests the pinned image, for which nothing is built. */
const testsPinned = ({ tasks }: TasksOfRun, id: string, env: Env): boolean => {
  const { target, overrides } = tasks[id]!;
  const asked = target.configuration === 'pinned' || overrides['pinned'] === true;
  const lane = laneOf(overrides['lane'], env['PINLANE_LANE']);
  return lane === null ? asked : laneTestsPinned(lane, asked);
};

/** The verb of a task; empty if its executor is not one of ours. */
const verbOf = ({ tasks, executorOf }: TasksOfRun, id: string): string => {
  const target = tasks[id]?.target;
  return ((target && executorOf(target.project, target.target)) ?? '').replace('@pinlane/nx:', '');
};

/** Verbs that wait for others of the same run, and bring none into it. */
const FOLLOWING = ['modal-deploy', 'smoke', 'probe', 'drift'];

/**
 * Whether a task is in a run only because Nx was told that a deployment, or what looks at one, comes after it: nobody asked for its target, so it does
 * nothing. A lone `modal-deploy` deploys what is pinned, and builds and tests nothing.
 */
export const isOnlyBefore = (run: TasksOfRun, id: string, env: Env): boolean => {
  const dependents = dependentsOf(run, id);
  if (dependents.length === 0 || !dependents.every((each) => FOLLOWING.includes(verbOf(run, each)))) return false;
  return !mayBeAsked(run.tasks[id]?.target.target ?? '', env);
};

/**
 * Whether a run wants what a task builds: nobody depends on the task, so it was asked for; or a dependent can't do without. An
 * acceptance of the pinned image can, and so can `pin --reproduce`, which believes no build, and everything in a lane that builds nothing: there `pin`
 * refuses by itself.
 */
export const isBuildWanted = (run: TasksOfRun, id: string, env: Env): boolean => {
  const dependents = dependentsOf(run, id);
  if (dependents.length === 0) return true;
  if (buildsNothing(env)) return false;
  return dependents.some((each) => {
    const verb = verbOf(run, each);
    if (isOnlyBefore(run, each, env)) return false;
    if (verb === 'acceptance') return !testsPinned(run, each, env);
    if (verb === 'pin' && run.tasks[each]?.overrides['reproduce'] === true) return false;
    return verb === 'buildx' || verb === 'base' ? isBuildWanted(run, each, env) : true;
  });
};

/** Whether a run pins the very processor of which it also tests the pinned image, in no order: nobody could say which image was tested. */
export const pinsWhatItTests = (run: TasksOfRun, id: string, env: Env): boolean => {
  const { target } = run.tasks[id]!;
  const before = new Set(run.dependencies[id]);
  for (const each of before) for (const other of run.dependencies[each] ?? []) before.add(other);
  const isItsPin = (each: string): boolean =>
    run.tasks[each]?.target.project === target.project && verbOf(run, each) === 'pin' && !isOnlyBefore(run, each, env);
  return testsPinned(run, id, env) && Object.keys(run.tasks).some((each) => isItsPin(each) && !before.has(each));
};

/** Whether Nx built a project's image before a task, in the same run. */
export const isAfterBuild = (run: TasksOfRun, id: string, project: string): boolean =>
  (run.dependencies[id] ?? []).some((each) => run.tasks[each]?.target.project === project && verbOf(run, each) === 'buildx');
