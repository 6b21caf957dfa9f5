import { setTimeout as sleep } from 'node:timers/promises';

/** The grace of a processor that is stopped without being told how long it has, in ms. */
export const DEFAULT_GRACE_MS = 10_000;

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

/** Returns what stops a processor, once, however often it is called: it asks the processor to end, and ends it after its grace. An interruption gives none. */
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
