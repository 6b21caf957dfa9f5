import { spawn } from 'node:child_process';
import type { Docker } from './daemon.ts';

/** A container that was started, with this process attached to it. */
export interface Attached {
  /** When it was started; performance.now(), in ms. */
  readonly startedAt: number;
  /** The client's exit code, which is the container's; null where the client was killed. */
  readonly exited: Promise<number | null>;
  running(): boolean;
  /** Ends what the container reads on stdin. */
  endInput(): void;
  write(text: string): void;
}

/** Starts a created container. `output` is called with each piece of what it writes; what comes slowly never holds it back for long. */
export const startAttached = (
  docker: Docker,
  id: string,
  { interactive, output }: { readonly interactive: boolean; readonly output: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void },
): Attached => {
  const startedAt = performance.now();
  const args = ['start', '--attach', ...(interactive ? ['--interactive'] : []), id];
  // A group of its own: the client would hand on Ctrl-C from the terminal to the container, past whoever started it.
  const child = spawn(docker.program, args, { stdio: [interactive ? 'pipe' : 'ignore', 'pipe', 'pipe'], detached: true });
  let running = true;
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
    child.once('error', (error) => {
      output('stderr', Buffer.from(`${docker.program}: ${error.message}\n`));
      resolve(null);
    });
  });
  void exited.then(() => (running = false));
  child.stdout?.on('data', (chunk: Uint8Array) => output('stdout', chunk));
  child.stderr?.on('data', (chunk: Uint8Array) => output('stderr', chunk));
  // A container that ended early breaks this pipe; its exit is what is reported.
  child.stdin?.on('error', () => {});
  return {
    startedAt,
    exited,
    running: () => running,
    endInput: () => void child.stdin?.end(),
    write: (text) => void child.stdin?.write(text),
  };
};
