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
