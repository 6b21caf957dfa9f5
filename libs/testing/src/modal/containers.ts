import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import type { ImageRunConfig } from '@pinlane/contracts';
import type { ContainerPlan } from './fronts.ts';

/** How a platform runs a container, if not as Modal is thought to. */
export interface Ways {
  /** Takes the ENTRYPOINT away where a command is given. */
  readonly dropsEntrypoint?: boolean;
  /** Runs the CMD, too, where a command is given. */
  readonly keepsCmd?: boolean;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Arguments that it puts behind all others. */
  readonly more?: readonly string[];
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const formOf = (commands: readonly string[], name: string): string[] =>
  JSON.parse(commands.findLast((command) => command.startsWith(`${name} `))?.slice(name.length + 1) ?? '[]') as string[];

/** Really runs what the recorded commands make of an image, as a process of this machine. */
export const containersOf =
  (config: ImageRunConfig, ways: Ways = {}) =>
  async ({ commands, environment, arguments: command, port }: ContainerPlan) => {
    const free = await freePort();
    const [entrypoint, cmd] = [formOf(commands, 'ENTRYPOINT'), formOf(commands, 'CMD')];
    const whole = [
      ...(ways.dropsEntrypoint && command.length > 0 ? [] : entrypoint),
      ...(command.length > 0 ? [...command, ...(ways.keepsCmd ? cmd : [])] : cmd),
      ...(ways.more ?? []),
    ];
    // The program alone listens elsewhere; what it is given stays as it is.
    const [, ...args] = whole.map((word, at) => (at === 2 ? word.replace(`listen(${port},'0.0.0.0')`, `listen(${free},'127.0.0.1')`) : word));
    const ofImage = Object.fromEntries((config.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
    const env = { ...ofImage, ...Object.fromEntries(environment), ...ways.env };
    const child = spawn(process.execPath, args, { cwd: ways.workdir ?? config.WorkingDir ?? '/', env, stdio: 'ignore' });
    const url = `http://127.0.0.1:${free}`;
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
      const answers = await fetch(url).then(
        () => true,
        () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 50)),
      );
      if (answers) break;
    }
    return { url, stop: () => child.kill('SIGKILL') };
  };
