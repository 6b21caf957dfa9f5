import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CustomHasher, HasherContext, Task } from '@nx/devkit';
import { laneRules, REF_PATTERN, type Lane } from '@pinlane/contracts';
import { contextGlance } from './flows/context-glance.ts';
import { workspacePaths, type WorkspacePaths } from './flows/paths.ts';
import { isBuildWanted, laneOfRun } from './shell/lane.ts';
import { settledPin, type RecordedBuild } from './flows/settled-pin.ts';
import { hasWholeImage, knownGeneration } from './flows/store-glance.ts';
import { hasPlaceholders } from './flows/tag-names.ts';

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

const ONCE = 'once-';

/** Of no earlier task and of no later one: the task runs, and nothing it leaves is ever taken from the cache. */
const never = (): string => `${ONCE}${randomBytes(24).toString('hex')}`;

// A lane that nobody knows is refused by the flow; until then it is as good as any.
const laneOf = ({ overrides }: Task): Lane => laneOfRun(process.env, overrides) ?? 'local';

/**
 * Whether a task of its own is to be made of this one: a build that is left out must not be taken for one that was asked for, and a lane
 * that builds fresh takes nothing from the cache and leaves nothing there.
 */
const wantsToRun = (task: Task, { taskGraph, projectGraph }: HasherContext): boolean => {
  const executorOf = (project: string, target: string) => projectGraph.nodes[project]?.data.targets?.[target]?.executor;
  const { overrides, target } = task;
  if (target.configuration === 'pinned' || overrides['noCache'] === true || overrides['cache'] === false) return true;
  return laneRules(laneOf(task)).fresh || !isBuildWanted({ ...taskGraph, executorOf }, task.id, process.env);
};

// Nx tells a hasher everything but where the workspace is.
const workspaceRoot = (from: string): string => {
  if (existsSync(join(from, 'nx.json'))) return from;
  const parent = dirname(from);
  return parent === from ? process.cwd() : workspaceRoot(parent);
};

const recordedBuild = async (path: string): Promise<RecordedBuild | null> => {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as RecordedBuild);
};

/** What can't be found out counts as no: the task runs, and says why. */
const isPublished = async (paths: WorkspacePaths, name: string): Promise<boolean> => {
  const [{ isPushed }, { readRecord }, settings] = await Promise.all([
    import('./flows/image-source.ts'),
    import('./flows/records.ts'),
    import('./flows/settings.ts'),
  ]);
  const image = await readRecord(paths, name);
  try {
    const insecureRegistries = settings.insecureRegistries(undefined, process.env);
    return image !== null && (await isPushed(image, { insecureRegistries, signal: AbortSignal.timeout(10_000) }));
  } catch {
    return false;
  }
};

/** Which store this is: one that was wiped, or of which something was collected, is another. */
const storeWord = async ({ store }: WorkspacePaths): Promise<string> =>
  (await knownGeneration(store)) ?? (await import('./flows/image-source.ts')).makeGeneration(store);

/**
 * Whether the image of the last build has lost a part, in the store or in the registry it was pushed to. Not asked where that build was not
 * the one of this key: what a registry has of it says nothing about this source, and asking takes a tenth of a second.
 */
const isGone = async (paths: WorkspacePaths, name: string, key: string): Promise<boolean> => {
  const image = await recordedBuild(paths.record(name)).catch(() => null);
  const { cacheKey = ONCE } = image ?? {};
  if (image === null || (!cacheKey.startsWith(ONCE) && cacheKey !== key)) return false;
  return !((await hasWholeImage(paths.store, image.index)) && (!image.pushed || (await isPublished(paths, name))));
};

// Records are named by the slug, which a package.json beside registry.yaml may keep from being the project's name.
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

/** The cache key of `bundle`. */
export const bundleHasher: CustomHasher = async (task, context) =>
  withNxHash(task, context, [await pluginBuild(), await bundlerVersion(), laneOf(task), wantsToRun(task, context) ? never() : '']);

/** The key that a processor's bundle would have: `buildx` bundles it, so whatever changes the bundle changes the image. */
const bundleKey = async ({ target: { project } }: Task, context: HasherContext): Promise<string> => {
  const id = `${project}:bundle`;
  if (context.projectGraph.nodes[project]?.data.targets?.['bundle'] === undefined) return '';
  const task: Task = { id, target: { project, target: 'bundle' }, overrides: {}, outputs: [], parallelism: true, cache: true };
  const taskGraph = { roots: [id], tasks: { [id]: task }, dependencies: { [id]: [] }, continuousDependencies: { [id]: [] } };
  return (await bundleHasher(task, { ...context, taskGraph })).value;
};

/** What Nx's own hash leaves out of a processor's build context; a base says all that it is made of in its lock. */
const contextKey = ({ target: { project, target } }: Task, { projectGraph }: HasherContext, root: string): string => {
  const { root: projectRoot, targets = {} } = projectGraph.nodes[project]?.data ?? { root: '' };
  const { executor, inputs = [] } = targets[target] ?? {};
  if (executor !== '@pinlane/nx:buildx') return '';
  return contextGlance(join(root, projectRoot), inputs, new Set(['registry.yaml', ...(targets['bundle'] ? ['dist'] : [])]));
};

/** What git calls the commit, where the image is to be called so too: it is named anew for each. */
const tagWord = async (
  { target: { project, target, configuration = '' }, overrides }: Task,
  { projectGraph }: HasherContext,
  root: string,
): Promise<string> => {
  const { options, configurations } = projectGraph.nodes[project]?.data.targets?.[target] ?? {};
  const tags = JSON.stringify([overrides['tags'], options?.tags, configurations?.[configuration]?.tags]);
  return hasPlaceholders(tags) ? JSON.stringify(await (await import('./flows/names.ts')).headNames(root, process.env)) : '';
};

/** The cache key of `buildx`, a processor's and a base's; one of its own where the image that it stands for is gone, so that a hit always stands for one. */
export const buildxHasher: CustomHasher = async (task, context) => {
  const root = workspaceRoot(process.cwd());
  const paths = workspacePaths(root, laneOf(task));
  if (wantsToRun(task, context)) return { ...(await withNxHash(task, context, [])), value: never() };
  const words = [await bundleKey(task, context), contextKey(task, context, root), await storeWord(paths), await tagWord(task, context, root)];
  const hash = await withNxHash(task, context, [await pluginBuild(), ...words]);
  return (await isGone(paths, recordName(task.target.project, context), hash.value)) ? { ...hash, value: never() } : hash;
};

/**
 * The cache key of `pin`, which writes registry.yaml and so must run whenever there may be something to write: a key of its own for that
 * run alone. Where it has nothing to do it is known by what it would find, and Nx repeats what it said last time instead of starting a
 * process for it. Nx asks for this key when `buildx` is done, as it does for every executor with a hasher: the record is that of this source.
 */
export const pinHasher: CustomHasher = async (task, context) => {
  const root = workspaceRoot(process.cwd());
  const { project } = task.target;
  const built = context.taskGraph.dependencies[task.id]?.some((id) => id.startsWith(`${project}:buildx`)) ?? false;
  const plain = built && Object.keys(task.overrides).filter((name) => !name.startsWith('__')).length === 0 && task.target.configuration === undefined;
  const paths = workspacePaths(root, laneOf(task));
  const record = plain ? await recordedBuild(paths.record(recordName(project, context))).catch(() => null) : null;
  const settled = record && (await settledPin(root, context.projectGraph.nodes[project]?.data.root ?? '', paths.store, record));
  return withNxHash(task, context, [await pluginBuild(), settled ?? never()]);
};
