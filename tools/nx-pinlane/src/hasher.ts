import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CustomHasher, HasherContext, Task } from '@nx/devkit';
import { refSchema, slugOf, type BuiltImage, type Ref } from '@pinlane/contracts';
import { openStore, type Store } from '@pinlane/oci';
import { workspacePaths } from './flows/paths.ts';
import { readRecord } from './flows/records.ts';

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

/** Of no earlier task and of no later one: the task runs, and nothing it leaves is ever taken from the cache. */
const never = (): string => randomBytes(32).toString('hex');

const wantsToRun = ({ overrides, target }: Task): boolean => target.configuration === 'pinned' || overrides['noCache'] === true || overrides['cache'] === false;

// Nx tells a hasher everything but where the workspace is.
const workspaceRoot = (from: string): string => {
  if (existsSync(join(from, 'nx.json'))) return from;
  const parent = dirname(from);
  return parent === from ? process.cwd() : workspaceRoot(parent);
};

/** Whether the image of a record is still where the record says. What can't be found out counts as no: the task runs, and says why. */
const isThere = async (image: BuiltImage, store: Store): Promise<boolean> => {
  if ((await store.missing(image.index)).length > 0) return false;
  if (!image.pushed) return true;
  const { isPushed } = await import('./flows/image-source.ts');
  return isPushed(image, AbortSignal.timeout(10_000)).catch(() => false);
};

/**
 * What the store adds to the key: which store this is (a wiped one is another), and, where the image of the last build has lost a
 * part, a word that no key had before. So a cache hit always stands for an image that is there.
 */
const storeKey = async (root: string, name: string): Promise<string> => {
  const paths = workspacePaths(root);
  const store = openStore(paths.store);
  const [generation, image] = await Promise.all([store.generation(), readRecord(paths, name)]);
  return image === null || (await isThere(image, store)) ? generation : never();
};

// Records are named by the slug, which a package.json beside registry.yaml may keep from being the project's name.
const recordName = (project: string, { projectGraph }: HasherContext): string => {
  const ref = projectGraph.nodes[project]?.data.tags?.find((tag) => tag.startsWith('ref:'))?.slice('ref:'.length);
  return refSchema.safeParse(ref).success ? slugOf(ref as Ref) : project;
};

const withNxHash = async (task: Task, context: HasherContext, parts: readonly string[]) => {
  // `env` is handed over by Nx 23 and not yet in its types.
  const { env } = context as { env?: NodeJS.ProcessEnv };
  const { value, ...rest } = await context.hasher.hashTask(task, context.taskGraph, env ?? process.env);
  return { ...rest, value: combined([value, ...parts]) };
};

/** The cache key of `bundle`. */
export const bundleHasher: CustomHasher = async (task, context) =>
  withNxHash(task, context, [await pluginBuild(), await bundlerVersion(), wantsToRun(task) ? never() : '']);

/** The cache key of `buildx`, a processor's and a base's. */
export const buildxHasher: CustomHasher = async (task, context) => {
  const key = wantsToRun(task) ? never() : await storeKey(workspaceRoot(process.cwd()), recordName(task.target.project, context));
  return withNxHash(task, context, [await pluginBuild(), key]);
};
