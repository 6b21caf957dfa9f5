import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CustomHasher, HasherContext, Task } from '@nx/devkit';
import { headNames } from '@pinlane/adapters';
import { asPinlaneError, laneRules, REF_PATTERN, type Lane } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { laneOf } from '@pinlane/pipeline';
import { hasPlaceholders } from '../../images/tag-names.ts';
import { workspacePaths, type WorkspacePaths } from '../../workspace/paths.ts';
import { isSeenByNx } from '../plain-folder.ts';
import { isAfterBuild, isBuildWanted, tasksOfRun, type TasksOfRun } from '../task-graph.ts';
import { contextHash } from './context-hash.ts';
import { once } from './once.ts';
import { isGone, recordedBuild } from './recorded-build.ts';
import { settledPin } from './settled-pin.ts';

// The plugin's own code is no input that Nx knows of, so its build is added to every key; see build.mjs.
const pluginBuild = async (): Promise<string> => {
  const text = await readFile(join(import.meta.dirname, 'version.json'), 'utf8').catch(() => null);
  return text === null ? 'source' : String((JSON.parse(text) as { build: unknown }).build);
};

const bundlerVersion = async (): Promise<string> => {
  const manifest = createRequire(import.meta.url).resolve('esbuild/package.json');
  return String((JSON.parse(await readFile(manifest, 'utf8')) as { version: unknown }).version);
};

const combined = (parts: readonly string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex');

/** The lane of a task. The verb refuses one that nobody knows; until then it counts as local. */
const laneOfTask = ({ overrides }: Task): Lane => laneOf(overrides['lane'], process.env['PINLANE_LANE']) ?? 'local';

const runOf = ({ taskGraph, projectGraph }: HasherContext): TasksOfRun =>
  tasksOfRun(taskGraph, (project, target) => projectGraph.nodes[project]?.data.targets?.[target]?.executor);

/**
 * Whether a task has to run whatever the cache holds: a build that is left out must not be taken for one that was asked for, a lane
 * that builds fresh takes nothing from the cache and leaves nothing there, and no key stands for files that Nx does not see.
 */
const mustRun = (task: Task, context: HasherContext): boolean => {
  const { projectGraph } = context;
  const { overrides, target } = task;
  if (target.configuration === 'pinned' || overrides['noCache'] === true || overrides['cache'] === false) return true;
  if (!isSeenByNx(projectGraph, target.project)) return true;
  return laneRules(laneOfTask(task)).fresh || !isBuildWanted(runOf(context), task.id, process.env);
};

// Nx does not tell a hasher where the workspace is.
const workspaceRoot = (from: string): string => {
  if (existsSync(join(from, 'nx.json'))) return from;
  const parent = dirname(from);
  return parent === from ? process.cwd() : workspaceRoot(parent);
};

/** Which store this is: one that was wiped, or of which something was collected, is another. */
const storeGeneration = ({ store }: WorkspacePaths): Promise<string> => openStore(store).generation();

/** The name of a project's build record: the slug, which a package.json beside registry.yaml may keep from being the project's name. */
const recordName = (project: string, { projectGraph }: HasherContext): string => {
  const tag = projectGraph.nodes[project]?.data.tags?.find((each) => each.startsWith('ref:')) ?? '';
  const parts = REF_PATTERN.exec(tag.slice('ref:'.length));
  return parts ? `${parts[1]}-${parts[2]}` : project;
};

const withNxHash = async (task: Task, context: HasherContext, parts: readonly string[]) => {
  // `env` is handed over by Nx 23 and not yet in its types.
  const { env } = context as { env?: NodeJS.ProcessEnv };
  const { value, ...rest } = await context.hasher.hashTask(task, context.taskGraph, env ?? process.env);
  return { ...rest, value: combined([value, ...parts]) };
};

/** A hasher of which the errors are ours: Nx prints them as they are, and ends the run. */
const named =
  (hasher: CustomHasher): CustomHasher =>
  async (task, context) => {
    try {
      return await hasher(task, context);
    } catch (thrown) {
      throw asPinlaneError(thrown);
    }
  };

/** The cache key of `bundle`. */
export const bundleHasher: CustomHasher = named(async (task, context) =>
  withNxHash(task, context, [await pluginBuild(), await bundlerVersion(), laneOfTask(task), mustRun(task, context) ? once() : '']),
);

/** The key that a processor's bundle would have: `buildx` bundles it, so a change of the bundle is a change of the image. */
const bundleKey = async ({ target: { project } }: Task, context: HasherContext): Promise<string> => {
  const id = `${project}:bundle`;
  if (context.projectGraph.nodes[project]?.data.targets?.['bundle'] === undefined) return '';
  const task: Task = { id, target: { project, target: 'bundle' }, overrides: {}, outputs: [], parallelism: true, cache: true };
  const taskGraph = { roots: [id], tasks: { [id]: task }, dependencies: { [id]: [] }, continuousDependencies: { [id]: [] } };
  return (await bundleHasher(task, { ...context, taskGraph })).value;
};

/** The part of a processor's build context that Nx's own hash leaves out; a base says in its lock all that it is made of. */
const contextKey = ({ target: { project, target } }: Task, { projectGraph }: HasherContext, root: string): string => {
  const { root: projectRoot, targets = {} } = projectGraph.nodes[project]?.data ?? { root: '' };
  const { executor, inputs = [] } = targets[target] ?? {};
  if (executor !== '@pinlane/nx:buildx') return '';
  return contextHash(join(root, projectRoot), inputs, new Set(['registry.yaml', ...(targets['bundle'] ? ['dist'] : [])]));
};

/** Git's names of the commit, if the image is to be called so too: it is named anew for each. */
const tagKey = async ({ target: { project, target, configuration = '' }, overrides }: Task, { projectGraph }: HasherContext, root: string): Promise<string> => {
  const { options, configurations } = projectGraph.nodes[project]?.data.targets?.[target] ?? {};
  const tags = JSON.stringify([overrides['tags'], options?.tags, configurations?.[configuration]?.tags]);
  return hasPlaceholders(tags) ? JSON.stringify(await headNames(root, process.env)) : '';
};

/** The cache key of `buildx`, a processor's and a base's. A task whose image is gone gets a key of its own, so that a hit always stands for an image. */
export const buildxHasher: CustomHasher = named(async (task, context) => {
  const root = workspaceRoot(process.cwd());
  const paths = workspacePaths(root, laneOfTask(task));
  if (mustRun(task, context)) return { ...(await withNxHash(task, context, [])), value: once() };
  const parts = [await bundleKey(task, context), contextKey(task, context, root), await storeGeneration(paths), await tagKey(task, context, root)];
  const hash = await withNxHash(task, context, [await pluginBuild(), ...parts]);
  return (await isGone(paths, recordName(task.target.project, context), hash.value)) ? { ...hash, value: once() } : hash;
});

/**
 * The cache key of `pin`, which writes registry.yaml and so must run whenever there may be something to write: then it is of that
 * run alone. A pin that has nothing to do has a key made of what it would find, and Nx repeats its last output instead of starting a
 * process for it. Nx asks for this key when `buildx` is done, as it does for every executor with a hasher: the record is that of this source.
 */
export const pinHasher: CustomHasher = named(async (task, context) => {
  const root = workspaceRoot(process.cwd());
  const { project, target } = task.target;
  // `--check` and `--dryRun` answer for the source as it is now, also where they stand in the target's own options.
  const asked = { ...context.projectGraph.nodes[project]?.data.targets?.[target]?.options, ...task.overrides };
  const built = isAfterBuild(runOf(context), task.id, project);
  const plain = built && Object.keys(asked).filter((name) => !name.startsWith('__')).length === 0 && task.target.configuration === undefined;
  const paths = workspacePaths(root, laneOfTask(task));
  const record = plain ? await recordedBuild(paths.record(recordName(project, context))) : null;
  const settled = record && (await settledPin(root, context.projectGraph.nodes[project]?.data.root ?? '', paths.store, record));
  return withNxHash(task, context, [await pluginBuild(), settled ?? once()]);
});
