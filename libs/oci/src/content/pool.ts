/**
 * Runs a task for each item, at most `limit` at once. After the first failure no new task starts; it is thrown when those that run have ended,
 * so that nothing works on behind the caller's back.
 */
export const inParallel = async <T>(items: readonly T[], limit: number, task: (item: T) => Promise<void>): Promise<void> => {
  const queue = items.values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return;
      try {
        await task(item);
      } catch (failure) {
        failures.push(failure);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, work));
  if (failures.length > 0) throw failures[0];
};
