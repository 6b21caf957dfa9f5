/** Has something done when the tasks of this process are over, however they ended; only what saves time later, because a failure of it is told to nobody. */
export type AtEnd = (work: () => Promise<unknown>) => void;

/** What is to be done at the end, and the end. */
export const createEnd = (): { readonly atEnd: AtEnd; readonly end: () => Promise<void> } => {
  const works: (() => Promise<unknown>)[] = [];
  return {
    atEnd: (work) => works.push(work),
    end: async () => {
      for (const work of works.splice(0)) await work().catch(() => undefined);
    },
  };
};
