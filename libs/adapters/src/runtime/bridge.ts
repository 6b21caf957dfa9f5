import type { NetworkTarget, NetworkView } from '@pinlane/contracts';
import { observeNetwork } from './observe-network.ts';

/** One step that prepares the namespace: a command, run with an empty environment, or something to make in a fresh tmpfs. */
export type SetupStep =
  | { readonly run: readonly [string, ...string[]] }
  /** Empty, or a copy of a file of this machine. */
  | { readonly file: string; readonly copyOf?: string }
  | { readonly folder: string }
  | { readonly link: string; readonly target: string };

/** What the bridge is told, as one line of JSON on its stdin. */
export interface BridgeOrder {
  readonly setup: readonly SetupStep[];
  /** What is started; null if another starts the processor: then the bridge says `ready` on stdout once it listens. */
  readonly command: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  /** Arguments that are handed on as NUL-terminated text on file descriptor 3, where no other process can read them. */
  readonly secretArgs: readonly string[] | null;
  readonly cwd: string | null;
  readonly port: number;
  /** How many processes stand between the bridge's child and the processor. */
  readonly depth: number;
}

/** A question to a running bridge: one line of JSON on its control socket. */
export type BridgeQuestion =
  | { readonly op: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly op: 'observe'; readonly targets: readonly NetworkTarget[] }
  /** Gives every user all rights on what this user made below a folder, so that another can remove it. */
  | { readonly op: 'release'; readonly folder: string };

/**
 * The program between this machine and a processor: it runs in the processor's network namespace but on this machine's files, starts the processor, carries
 * connections from a unix socket to its port, delivers signals to it and looks at its network. When its stdin ends, whoever started it is gone, however it
 * went: then the bridge takes the processor with it, and its own folder. In a container it starts nothing: it holds the network that the processor's
 * container joins.
 *
 * Self-contained: it is sent as text, so it may use nothing from outside of itself but Node's own modules. That is why it starts programs by itself, and not
 * by what the rest of this library starts them with.
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

  const prepare = (step: SetupStep): void => {
    if ('file' in step) return step.copyOf === undefined ? fs.writeFileSync(step.file, '') : fs.copyFileSync(step.copyOf, step.file);
    if ('folder' in step) return void fs.mkdirSync(step.folder);
    if ('link' in step) return fs.symlinkSync(step.target, step.link);
    const [program, ...args] = step.run;
    const done = spawnSync(program, args, { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
    if (done.status !== 0) stop(`${program} ${args.join(' ')}: ${done.error?.message ?? String(done.stderr).trim()}`);
  };

  /** Starts the processor; the bridge ends with it, and with its exit code. */
  const start = ({ env, secretArgs, cwd }: BridgeOrder, [program, ...args]: readonly string[]) => {
    const started = spawn(program as string, args, {
      env: { ...env },
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', secretArgs === null ? 'ignore' : 'pipe'],
      ...(cwd === null ? {} : { cwd }),
    });
    started.once('error', (error) => stop(`cannot start ${program}: ${error.message}`));
    started.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : signal === 'SIGTERM' ? 143 : 128)));
    if (secretArgs !== null) (started.stdio[3] as import('node:stream').Writable).end(secretArgs.map((arg) => `${arg}\0`).join(''));
    return started;
  };

  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch {
      // It is another's, or gone.
      return undefined;
    }
  };

  const kill = (pid: number | undefined, signal: NodeJS.Signals): void => {
    if (pid !== undefined) attempt(() => process.kill(pid, signal));
  };

  /** What lies so deep that its path gets long is moved up to the top, where it ends up in any case to be removed. */
  const release = (top: string): void => {
    const LONG = 2000;
    const left = [top];
    let moved = 0;
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const [known, stat] = [path, attempt(() => fs.lstatSync(path as string))];
      if (!stat?.isDirectory() && !stat?.isFile()) continue;
      attempt(() => fs.chmodSync(known, stat.isDirectory() ? 0o777 : 0o666));
      if (!stat.isDirectory()) continue;
      const lifted = known.length > LONG ? `${top}/.pinlane-${(moved += 1)}` : known;
      if (lifted !== known) attempt(() => fs.renameSync(known, lifted));
      for (const name of attempt(() => fs.readdirSync(lifted)) ?? []) left.push(`${lifted}/${name}`);
    }
  };

  /** The process so many levels below another, each the first child of the one above. */
  const descendant = (from: number | undefined, depth: number): number | undefined => {
    let pid = from;
    for (let level = 0; level < depth && pid !== undefined; level += 1) {
      const parent = pid;
      const children = attempt(() => fs.readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8'));
      pid = Number(children?.split(' ')[0]) || undefined;
    }
    return pid;
  };

  const carry = (port: number) =>
    net.createServer({ allowHalfOpen: true }, (here) => {
      const there = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
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
    });

  /** `processor` gives its process, as far as the bridge has started one. */
  const obey = (startsIt: boolean, processor: () => number | undefined) =>
    net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      const answer = (value: unknown) => socket.end(`${JSON.stringify(value)}\n`);
      createInterface({ input: socket }).once('line', (text) => {
        const question = JSON.parse(text) as BridgeQuestion;
        const pid = processor();
        if (question.op === 'signal') {
          kill(pid, question.signal);
          answer({ delivered: pid !== undefined });
        } else if (question.op === 'release') {
          release(question.folder);
          answer({});
        } else void observe(question.targets, startsIt ? (pid ?? -1) : null).then(answer);
      });
    });

  if (ownFolder !== undefined) process.once('exit', () => fs.rmSync(ownFolder, { recursive: true, force: true }));
  const input = createInterface({ input: process.stdin });
  const [line] = (await once(input, 'line')) as [string];
  const order = JSON.parse(line) as BridgeOrder;
  order.setup.forEach(prepare);
  const child = order.command === null ? undefined : start(order, order.command);
  const endAll = (): void => {
    if (child === undefined) process.exit(0);
    // Itself, the first of its namespace, which takes all others along: a processor may have called off that it goes with its parent.
    kill(descendant(child.pid, order.depth), 'SIGKILL');
    kill(child.pid, 'SIGKILL');
    kill(child.pid === undefined ? undefined : -child.pid, 'SIGKILL');
    setTimeout(() => process.exit(137), 1000);
  };
  input.once('close', endAll);
  process.once('SIGTERM', endAll);

  // A container's bridge may run as another user than whoever speaks to it; the folder around is that one's alone.
  if (child === undefined) process.umask(0);
  const traffic = carry(order.port).listen(`${folder}/http.sock`);
  const control = obey(child !== undefined, () => descendant(child?.pid, order.depth)).listen(`${folder}/control.sock`);
  if (child !== undefined) return;
  await Promise.all([traffic, control].map((server) => server.listening || once(server, 'listening')));
  process.stdout.write('ready\n');
};

/** The bridge as a program. Bundlers may mark functions with `__name`, which is then part of their text and so has to be there. */
export const bridgeSource = (): string =>
  `const __name = (value) => value;\nconst observe = ${observeNetwork.toString()};\n(${bridge.toString()})(process.argv[2], process.argv[3], observe);\n`;
