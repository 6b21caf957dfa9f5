import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

/** A program to start and to stay in touch with: an argument vector, never a shell's text. */
export interface StartRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** All that the program sees of an environment; that of this process if absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether its stdin is a pipe from here; it is empty if absent. */
  readonly input?: boolean;
  /** Whether its stdout and stderr are pipes to here; they lead nowhere if false. */
  readonly output?: boolean;
  /** Whether it gets a process group of its own: Ctrl-C in a terminal does not reach that, and `kill` ends all of it. */
  readonly group?: boolean;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Null if a signal ended it, or if it never started. */
  readonly exitCode: number | null;
  /** Why it could not be started. */
  readonly error?: NodeJS.ErrnoException;
}

/** A program that was started. */
export interface StartedProgram {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the program has ended and its output is closed, which a process that it left behind may put off. Never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Settles when the program itself has ended, or could not be started, whoever still holds its output. Never rejects. */
  readonly exited: Promise<ProgramEnd>;
  /** The exit code, as soon as there is one. */
  exitCode(): number | null;
  /** Writes to its stdin. Nothing happens if it reads no longer: its end says more than the broken pipe. */
  write(text: string): void;
  endInput(): void;
  /** Sends it a signal; nothing happens if it has ended. */
  kill(signal?: NodeJS.Signals): void;
  /** Ends all of its process group at once, also what it left behind in there; the program alone if it has no group of its own. */
  end(): void;
  /** Lets this process end while the program runs on. */
  unref(): void;
}

/** Starts a program and returns at once; whether it could be started is told by its end. */
export const startProgram = ({ command, args, cwd, env, input = false, output = true, group = false }: StartRequest): StartedProgram => {
  const sink = output ? 'pipe' : 'ignore';
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    stdio: [input ? 'pipe' : 'ignore', sink, sink],
    detached: group,
    windowsHide: true,
  });
  const when = (event: 'close' | 'exit'): Promise<ProgramEnd> =>
    new Promise((resolve) => {
      child.once(event, (exitCode: number | null) => resolve({ exitCode }));
      child.once('error', (error) => resolve({ exitCode: null, error }));
    });
  const send = (pid: number, signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended already.
    }
  };
  const { pid } = child;
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
    if (pid !== undefined && child.exitCode === null && child.signalCode === null) send(group ? -pid : pid, signal);
  };
  child.stdin?.on('error', () => {});
  return {
    stdout: child.stdout ?? Readable.from([]),
    stderr: child.stderr ?? Readable.from([]),
    ended: when('close'),
    exited: when('exit'),
    exitCode: () => (child.pid === undefined ? null : child.exitCode),
    write: (text) => void child.stdin?.write(text),
    endInput: () => void child.stdin?.end(),
    kill,
    // A group's number is nobody else's as long as one process is in it, though the program that it was named after has ended.
    end: () => (group && pid !== undefined ? send(-pid, 'SIGKILL') : kill('SIGKILL')),
    unref: () => {
      child.unref();
      for (const stream of child.stdio) (stream as Socket | null)?.unref();
    },
  };
};
