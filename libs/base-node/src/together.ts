/**
 * Runs tasks side by side; the first that fails stops the others, and is thrown when all have come to rest, so that nothing goes on working
 * in folders that the caller is about to remove.
 */
export const together = async <T>(signal: AbortSignal, tasks: readonly ((signal: AbortSignal) => Promise<T>)[]): Promise<T[]> => {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  const settled = await Promise.allSettled(
    tasks.map(async (task) => {
      try {
        return await task(either);
      } catch (error) {
        failure ??= { error };
        stop.abort();
        throw error;
      }
    }),
  );
  if (failure !== undefined) throw failure.error;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};

/** Lets at most `most` pieces of work run at once; the others wait their turn. */
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
      // The place goes to the next in line, so the number of those that run stays.
      if (next === undefined) running -= 1;
      else next();
    }
  };
};
