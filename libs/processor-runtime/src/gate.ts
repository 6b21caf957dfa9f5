import { ProcessorError } from './errors.ts';

/** Limits how many runs go on at once. It lets no execution id in twice at a time, and nobody after it was closed. */
export interface Gate {
  readonly running: number;
  readonly closed: boolean;
  /** @returns what ends the run @throws ERR_BUSY */
  enter(executionId: string): () => void;
  /** Lets nobody in from now on; resolves when the last run has ended. */
  close(): Promise<void>;
}

export const SHUTTING_DOWN = 'the processor is shutting down';

/** Makes a gate that lets in `limit` runs at a time. */
export const createGate = (limit: number): Gate => {
  const inside = new Set<string>();
  let empty = (): void => {};
  const emptied = new Promise<void>((resolve) => (empty = resolve));
  let closed = false;

  return {
    get running() {
      return inside.size;
    },
    get closed() {
      return closed;
    },
    enter: (executionId) => {
      const busy = (why: string) => new ProcessorError('ERR_BUSY', why);
      if (closed) throw busy(SHUTTING_DOWN);
      // Two runs with one id would write to the same files.
      if (inside.has(executionId)) throw busy(`the execution ${executionId} is running already`);
      if (inside.size >= limit) throw busy(`${limit} runs are going on, which is the limit (runtime.concurrency)`);
      inside.add(executionId);
      return () => {
        inside.delete(executionId);
        if (closed && inside.size === 0) empty();
      };
    },
    close: async () => {
      closed = true;
      if (inside.size === 0) empty();
      await emptied;
    },
  };
};
