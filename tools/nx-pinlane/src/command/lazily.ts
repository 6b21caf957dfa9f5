/** Loads modules when they are first needed, and from then on gives the same ones without asking Node, which a thousand tasks in one process would notice. */
export const lazily = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
};
