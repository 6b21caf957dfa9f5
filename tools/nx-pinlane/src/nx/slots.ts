/** Bounds how many pieces of work run at once. One that only waits, for a registry, lets another run meanwhile. */
export interface Slots {
  /** Runs work when one of the slots is free. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs what only waits without a slot, and takes one again before it returns. Called from work that `run` runs. */
  readonly waiting: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Makes so many slots. With a single one, nothing runs beside what waits: somebody wants one after the other. */
export const createSlots = (count: number): Slots => {
  let free = count;
  // What has begun goes on before anything else begins.
  const [resuming, beginning]: [(() => void)[], (() => void)[]] = [[], []];
  const take = async (queue: (() => void)[]): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
  };
  /** Hands the slot to whoever is next. */
  const give = (): void => {
    const next = resuming.shift() ?? beginning.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    run: async (work) => {
      await take(beginning);
      return work().finally(give);
    },
    waiting: async (work) => {
      if (count === 1) return work();
      give();
      try {
        return await work();
      } finally {
        await take(resuming);
      }
    },
  };
};
