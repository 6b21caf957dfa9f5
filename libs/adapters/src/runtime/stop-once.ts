import { setTimeout as sleep } from 'node:timers/promises';

/** How a runtime ends a processor. */
export interface Ending {
  /** Asks it to end by itself. */
  ask(graceMs: number): Promise<unknown>;
  /** Settles when it has ended. */
  readonly exited: Promise<number | null>;
  /** Ends it, and removes what was made for it. */
  end(): Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** Stops a processor once, however often and by whomever that is asked: its own grace first, then the end. An interruption gives no grace. */
export const stopOnce = ({ ask, exited, end, signal }: Ending): ((graceMs: number) => Promise<{ exitCode: number | null }>) => {
  let stopping: Promise<{ exitCode: number | null }> | undefined;
  const stop = async (graceMs: number): Promise<{ exitCode: number | null }> => {
    await ask(graceMs);
    await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
    await end();
    return { exitCode: await exited };
  };
  const abort = (): void => void (stopping ??= stop(0));
  signal?.addEventListener('abort', abort, { once: true });
  void exited.then(() => signal?.removeEventListener('abort', abort));
  return (graceMs) => (stopping ??= stop(graceMs));
};
