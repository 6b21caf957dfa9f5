import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A real registry: Debian's docker-registry, with a disk of its own. */
export interface DockerRegistry {
  readonly host: string;
  close(): Promise<void>;
}

/** Starts it; resolves when it listens. */
export const startDockerRegistry = async (): Promise<DockerRegistry> => {
  const folder = await mkdtemp(join(tmpdir(), 'pinlane-registry-'));
  await mkdir(join(folder, 'data'));
  const configuration = join(folder, 'config.json');
  const storage = { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } };
  await writeFile(configuration, JSON.stringify({ version: 0.1, log: { level: 'info' }, storage, http: { addr: '127.0.0.1:0' } }));
  const child = spawn('docker-registry', ['serve', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
  const close = async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stderr.resume();
    return { host: `127.0.0.1:${port}`, close };
  }
  await close();
  throw new Error(`docker-registry ended: ${lines.join('\n')}`);
};
