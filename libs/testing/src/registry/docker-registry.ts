import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts Debian's docker-registry with a configuration file. Resolves with its host, `127.0.0.1:<port>`, once it listens. */
export const startDockerRegistry = async (configuration: string): Promise<{ readonly host: string; readonly process: ChildProcess }> => {
  const child = spawn('docker-registry', ['serve', configuration], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.resume();
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stderr.resume();
    return { host: `127.0.0.1:${port}`, process: child };
  }
  throw new Error(`docker-registry ended: ${lines.join('\n')}`);
};
