import { inParallel } from '@pinlane/oci';

/**
 * Runs tasks side by side. The first that fails stops the others by their signal, and is thrown when all have come to rest, so that nothing goes on working
 * in folders that the caller is about to remove.
 */
export const together = async <T>(signal: AbortSignal, tasks: readonly ((signal: AbortSignal) => Promise<T>)[]): Promise<T[]> => {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const results: T[] = [];
  await inParallel([...tasks.entries()], tasks.length, async ([at, task]) => {
    try {
      results[at] = await task(either);
    } catch (error) {
      stop.abort();
      throw error;
    }
  });
  return results;
};

/** Lets at most `most` pieces of work run at once, whoever brings them; the others wait their turn. */
export const limiter = (most: number): (<T>(work: () => Promise<T>) => Promise<T>) => {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place goes to the next in line, so the number of those that run stays the same.
      if (next === undefined) running -= 1;
      else next();
    }
  };
};
