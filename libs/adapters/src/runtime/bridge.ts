import type { NetworkTarget, NetworkView } from '@pinlane/contracts';
import { observeNetwork } from './observe-network.ts';

/** One step that prepares the namespace: a command, run with an empty environment, or something to make in a fresh tmpfs. */
export type SetupStep =
  | { readonly run: readonly [string, ...string[]] }
  | { readonly file: string }
  | { readonly folder: string }
  | { readonly link: string; readonly target: string };

/** What the bridge is told, as one line of JSON on its stdin. */
export interface BridgeOrder {
  readonly setup: readonly SetupStep[];
  /** What is started; null where the processor is started by another. The bridge then says `ready` on stdout once it listens. */
  readonly command: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  /** Arguments that are handed on as NUL-terminated text on file descriptor 3, where no other process can read them. */
  readonly secretArgs: readonly string[] | null;
  readonly cwd: string | null;
  readonly port: number;
  /** How many processes stand between the bridge's child and the processor. */
  readonly depth: number;
}

/** What is asked of a running bridge, one JSON line each, on its control socket. */
export type BridgeQuestion =
  | { readonly op: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly op: 'observe'; readonly targets: readonly NetworkTarget[] }
  /** Gives every user all rights on what this user made below a folder, so that another can remove it. */
  | { readonly op: 'release'; readonly folder: string };

/**
 * The program between this machine and a processor: it runs in the processor's network namespace but on this machine's
 * files, starts the processor, carries connections from a unix socket to its port, delivers signals to it and looks at
 * its network. When its stdin ends, whoever started it is gone, however it went: then the bridge takes the processor with
 * it, and its own folder. In a container it starts nothing: it holds the network that the processor's container joins.
 *
 * Self-contained: it is sent as text, so it may use nothing from outside of itself but Node's own modules.
 */
const bridge = async (
  folder: string,
  ownFolder: string | undefined,
  observe: (targets: readonly NetworkTarget[], processorPid: number | null) => Promise<NetworkView>,
): Promise<void> => {
  const { spawn, spawnSync } = process.getBuiltinModule('node:child_process');
  const net = process.getBuiltinModule('node:net');
  const fs = process.getBuiltinModule('node:fs');
  const { createInterface } = process.getBuiltinModule('node:readline');
  const { once } = process.getBuiltinModule('node:events');
  const stop = (message: string): never => {
    process.stderr.write(`bridge: ${message}\n`);
    process.exit(125);
  };

  if (ownFolder !== undefined) process.once('exit', () => fs.rmSync(ownFolder, { recursive: true, force: true }));
  const input = createInterface({ input: process.stdin });
  const [line] = (await once(input, 'line')) as [string];
  const order = JSON.parse(line) as BridgeOrder;
  for (const step of order.setup) {
    if ('file' in step) fs.writeFileSync(step.file, '');
    else if ('folder' in step) fs.mkdirSync(step.folder);
    else if ('link' in step) fs.symlinkSync(step.target, step.link);
    else {
      const [program, ...args] = step.run;
      const done = spawnSync(program, args, { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
      if (done.status !== 0) stop(`${program} ${args.join(' ')}: ${done.error?.message ?? String(done.stderr).trim()}`);
    }
  }

  const start = ([program, ...args]: readonly string[]) => {
    const started = spawn(program as string, args, {
      env: { ...order.env },
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', order.secretArgs === null ? 'ignore' : 'pipe'],
      ...(order.cwd === null ? {} : { cwd: order.cwd }),
    });
    started.once('error', (error) => stop(`cannot start ${program}: ${error.message}`));
    started.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : signal === 'SIGTERM' ? 143 : 128)));
    if (order.secretArgs !== null) (started.stdio[3] as import('node:stream').Writable).end(order.secretArgs.map((arg) => `${arg}\0`).join(''));
    return started;
  };
  const child = order.command === null ? undefined : start(order.command);

  const kill = (pid: number | undefined, signal: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch {
      // It has ended already.
    }
  };
  const endAll = (): void => {
    if (child === undefined) process.exit(0);
    kill(child.pid, 'SIGKILL');
    kill(child.pid === undefined ? undefined : -child.pid, 'SIGKILL');
    setTimeout(() => process.exit(137), 1000);
  };
  input.once('close', endAll);
  process.once('SIGTERM', endAll);

  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch {
      // It is another's, or gone.
      return undefined;
    }
  };
  const release = (path: string): void => {
    const stat = attempt(() => fs.lstatSync(path));
    if (!stat?.isDirectory() && !stat?.isFile()) return;
    attempt(() => fs.chmodSync(path, stat.isDirectory() ? 0o777 : 0o666));
    if (stat.isDirectory()) for (const name of attempt(() => fs.readdirSync(path)) ?? []) release(`${path}/${name}`);
  };

  const processorPid = (): number | undefined => {
    let pid = child?.pid;
    for (let level = 0; level < order.depth && pid !== undefined; level += 1) {
      try {
        pid = Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]) || undefined;
      } catch {
        return undefined;
      }
    }
    return pid;
  };

  // A container's bridge may run as another user than whoever speaks to it; the folder around is that one's alone.
  if (child === undefined) process.umask(0);
  const traffic = net
    .createServer({ allowHalfOpen: true }, (here) => {
      const there = net.connect({ host: '127.0.0.1', port: order.port, allowHalfOpen: true });
      for (const [from, to] of [
        [here, there],
        [there, here],
      ] as const) {
        from.pipe(to);
        from.once('error', () => to.destroy());
        from.once('close', () => {
          if (!from.readableEnded) to.destroy();
        });
      }
    })
    .listen(`${folder}/http.sock`);

  const control = net
    .createServer((socket) => {
      socket.on('error', () => socket.destroy());
      createInterface({ input: socket }).once('line', (text) => {
        const question = JSON.parse(text) as BridgeQuestion;
        const pid = processorPid();
        if (question.op === 'signal') {
          kill(pid, question.signal);
          socket.end(`${JSON.stringify({ delivered: pid !== undefined })}\n`);
        } else if (question.op === 'release') {
          release(question.folder);
          socket.end('{}\n');
        } else void observe(question.targets, child === undefined ? null : (pid ?? -1)).then((view) => socket.end(`${JSON.stringify(view)}\n`));
      });
    })
    .listen(`${folder}/control.sock`);
  if (child !== undefined) return;
  await Promise.all([traffic, control].map((server) => server.listening || once(server, 'listening')));
  process.stdout.write('ready\n');
};

/** The bridge as a program. Bundlers may mark functions with `__name`, which is then part of their text. */
export const bridgeSource = (): string =>
  `const __name = (value) => value;\nconst observe = ${observeNetwork.toString()};\n(${bridge.toString()})(process.argv[2], process.argv[3], observe);\n`;
