import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestSchema, HOSTING_NAMES, RUNTIME_NAMES, type DeployEnvironment } from '@pinlane/contracts';
import { holderSchema, isGone, makeFolder, writeFileAtomic, type Holder } from '@pinlane/oci';
import type { AppPlace, DeploymentPlan } from '@pinlane/pipeline';
import * as z from 'zod';

/** The folders of one app. */
export interface AppFolders {
  readonly root: string;
  /** What is configured; written by commands, under the app's lock. */
  readonly configured: string;
  /** What a supervisor of a version says of itself; written by that one alone. */
  readonly status: (version: number) => string;
  readonly log: string;
  readonly artifacts: (version: number) => string;
}

/** See {@link AppFolders}. */
export const appFolders = (deployments: string, { environment, app }: AppPlace): AppFolders => {
  const root = join(deployments, environment, app);
  return {
    root,
    configured: join(root, 'app.json'),
    status: (version) => join(root, `v${version}.json`),
    log: join(root, 'log.txt'),
    artifacts: (version) => join(root, 'artifacts', `v${version}`),
  };
};

/** The names of all apps of an environment, sorted. */
export const appNames = async (deployments: string, environment: DeployEnvironment): Promise<string[]> => {
  const entries = await readdir(join(deployments, environment), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : [])).sort();
};

/** What is configured: each supervisor looks at it all the time, and ends itself if it is not the one that is named. */
export const configuredSchema = z.object({
  kind: z.literal('LocalApp'),
  adapter: z.literal(HOSTING_NAMES[0]),
  /** Counts deployments. */
  version: z.int().positive(),
  /** Whether it is to run. */
  stopped: z.boolean(),
  /** The port on the loopback, the same for all versions. */
  port: z.int().positive(),
  digest: digestSchema,
  /** The plan, as it was carried out; no secret is in it. */
  plan: z.record(z.string(), z.unknown()),
  secret: z.object({ name: z.string(), keys: z.array(z.string()), mark: z.string() }).nullable(),
  runtime: z.enum(RUNTIME_NAMES),
  deployedAt: z.iso.datetime(),
  deployedBy: z.string(),
  stoppedAt: z.iso.datetime().optional(),
  stoppedBy: z.string().optional(),
});
export type Configured = z.infer<typeof configuredSchema>;

/** The plan of what is configured. */
export const planOf = ({ plan }: Configured): DeploymentPlan => plan as unknown as DeploymentPlan;

export const statusSchema = z.object({
  holder: holderSchema,
  /** `standby`: the processor is healthy, and waits for its version to be the configured one. */
  phase: z.enum(['starting', 'standby', 'serving', 'restarting', 'failed', 'ended']),
  /** The port on which it listens; null until then. */
  port: z.int().positive().nullable(),
  restarts: z.int().nonnegative(),
  /** Why the processor last ended, or the start failed. */
  why: z.string().nullable(),
});
export type Status = z.infer<typeof statusSchema>;

const read = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

/** What is configured; null if nothing is. @throws if the file is broken */
export const readConfigured = (folders: AppFolders): Promise<Configured | null> => read(folders.configured, configuredSchema);

export const readStatus = (folders: AppFolders, version: number): Promise<Status | null> => read(folders.status(version), statusSchema);

/** Whether the supervisor of a status still runs. */
export const isAlive = async (status: Status | null): Promise<boolean> =>
  status !== null && status.phase !== 'ended' && status.phase !== 'failed' && !(await isGone(status.holder as Holder));

/** Writes one of these files in one step. */
export const writeState = async (path: string, value: object): Promise<void> => writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);

/** Makes a folder that this user alone may enter. */
export const makePrivate = async (folder: string): Promise<void> => {
  await makeFolder(folder);
  await chmod(folder, 0o700);
};
