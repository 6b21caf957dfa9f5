/**
 * Runs a task for each item, at most `limit` at once, and gives the results in the order of the items. After the first failure no new task starts, and those
 * that run are told by their signal; the failure is thrown after they have ended, so that nothing works on behind the caller's back.
 * @param signal is passed on to the tasks, in one with that of the pool; it starts and ends nothing by itself
 */
export const inParallel = async <T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> => {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue = items.entries();
  const results: R[] = [];
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const [position, item] of queue) {
      if (failure !== undefined) return;
      try {
        results[position] = await task(item, either);
      } catch (error) {
        failure ??= { error };
        stop.abort();
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, work));
  if (failure !== undefined) throw failure.error;
  return results;
};
