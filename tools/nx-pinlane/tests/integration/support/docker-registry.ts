import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDockerRegistry, temporaryFolder } from '@pinlane/testing';

/** A real registry: Debian's docker-registry, with a disk of its own. */
export interface DockerRegistry {
  readonly host: string;
  close(): Promise<void>;
}

/** Starts it; resolves when it listens. */
export const makeDockerRegistry = async (): Promise<DockerRegistry> => {
  const folder = temporaryFolder('registry');
  await mkdir(join(folder, 'data'));
  const configuration = join(folder, 'config.json');
  const storage = { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } };
  await writeFile(configuration, JSON.stringify({ version: 0.1, log: { level: 'info' }, storage, http: { addr: '127.0.0.1:0' } }));
  const { host, process } = await startDockerRegistry(configuration);
  return {
    host,
    close: async () => {
      if (process.exitCode === null && process.kill()) await once(process, 'exit');
    },
  };
};
