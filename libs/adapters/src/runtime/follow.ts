import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram, type StartRequest } from '../process/index.ts';

/** A program that runs for as long as a processor does, and whose output is taken as it comes. */
export interface Followed {
  /** When it was started; performance.now(), in ms. */
  readonly startedAt: number;
  /** Its exit code, once its output has ended, too; null if a signal ended it, or if it could not be started. */
  readonly exited: Promise<number | null>;
  running(): boolean;
  write(text: string): void;
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
}

/** How long the output of a program that has ended is waited for, in ms. A process that it left behind may hold it open without end. */
const OUTPUT_GRACE_MS = 500;

export type TakeOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

/** Starts a program. `output` also gets the reason if it cannot be started. */
export const follow = (request: StartRequest, output: TakeOutput): Followed => {
  const startedAt = performance.now();
  const { stdout, stderr, ended, exited: exit, write, endInput, kill } = startProgram(request);
  stdout.on('data', (chunk: Uint8Array) => output('stdout', chunk));
  stderr.on('data', (chunk: Uint8Array) => output('stderr', chunk));
  let running = true;
  const patience = exit.then((end) => sleep(OUTPUT_GRACE_MS, end, { ref: false }));
  const exited = Promise.race([ended, patience]).then(({ exitCode, error }) => {
    running = false;
    for (const stream of [stdout, stderr]) stream.destroy();
    if (error !== undefined) output('stderr', Buffer.from(`${request.command}: ${error.message}\n`));
    return exitCode;
  });
  return { startedAt, exited, running: () => running, write, endInput, kill };
};
