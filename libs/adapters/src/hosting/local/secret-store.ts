import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { chmod, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeployEnvironment, Known } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import type { HostingSecrets, StoredSecret } from '@pinlane/pipeline';

/** Writes a file that this user alone may read, in one step. */
const writePrivate = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text).finally(() => file.close());
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
};

const readIfThere = (path: string): Promise<string | null> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });

/** The store of secrets of this machine: for each a file with mode 0600, in a folder with mode 0700. */
export interface LocalSecrets extends HostingSecrets {
  /** The values of a secret, for the supervisor of an app; empty if there is no such secret. */
  values(environment: DeployEnvironment, name: string): Promise<Readonly<Record<string, string>>>;
  /** A keyed mark of all of a secret's values together. */
  markOf(environment: DeployEnvironment, name: string): Promise<string>;
}

/** See {@link LocalSecrets}. @param deployments the folder of all deployments */
export const createLocalSecrets = (deployments: string): LocalSecrets => {
  const folderOf = (environment: DeployEnvironment): string => join(deployments, environment, '.secrets');
  const fileOf = (environment: DeployEnvironment, name: string): string => join(folderOf(environment), `${encodeURIComponent(name)}.json`);
  const makeStore = async (environment: DeployEnvironment): Promise<void> => {
    await makeFolder(folderOf(environment));
    await chmod(folderOf(environment), 0o700);
  };
  /** The key of the marks of one environment; whoever knows a mark and not the key can't try values out. */
  const keyOf = async (environment: DeployEnvironment): Promise<Buffer> => {
    const path = join(folderOf(environment), '.key');
    const known = await readIfThere(path);
    if (known !== null) return Buffer.from(known, 'hex');
    await makeStore(environment);
    await writePrivate(path, randomBytes(32).toString('hex'));
    return Buffer.from((await readIfThere(path)) ?? '', 'hex');
  };
  const markWith = (key: Buffer, name: string, entry: string, value: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([name, entry, value]))
      .digest('hex')
      .slice(0, 32);
  const values = async (environment: DeployEnvironment, name: string): Promise<Record<string, string>> =>
    JSON.parse((await readIfThere(fileOf(environment, name))) ?? '{}') as Record<string, string>;
  const stored = async (environment: DeployEnvironment, name: string): Promise<StoredSecret | null> => {
    if ((await readIfThere(fileOf(environment, name))) === null) return null;
    const key = await keyOf(environment);
    const all = Object.entries(await values(environment, name));
    return { name, keys: all.map(([entry, value]) => ({ name: entry, marker: markWith(key, name, entry, value) })) };
  };
  const known = async <T>(work: () => Promise<T>): Promise<Known<T>> => {
    try {
      return { known: true, value: await work() };
    } catch (error) {
      // The text of a parser's error would quote the file.
      return { known: false, reason: `the secrets of this machine can not be read (${(error as NodeJS.ErrnoException).code ?? 'they are broken'})` };
    }
  };
  return {
    values,
    markOf: async (environment, name) => {
      const all = Object.entries(await values(environment, name)).sort(([a], [b]) => (a < b ? -1 : 1));
      return all.length === 0 ? '' : markWith(await keyOf(environment), name, '', JSON.stringify(all));
    },
    describe: (environment, name) => known(() => stored(environment, name)),
    put: async (environment, name, given) => {
      await makeStore(environment);
      await keyOf(environment);
      await writePrivate(fileOf(environment, name), JSON.stringify(Object.fromEntries([...given].sort(([a], [b]) => (a < b ? -1 : 1)))));
      return (await stored(environment, name)) as StoredSecret;
    },
    changed: (environment, name, given) =>
      known(async () => {
        const now = await values(environment, name);
        return [...new Set([...Object.keys(now), ...given.keys()])].filter((entry) => now[entry] !== given.get(entry)).sort();
      }),
  };
};
