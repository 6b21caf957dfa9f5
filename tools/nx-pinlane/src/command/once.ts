/** Makes a thing when it is first asked for by its name, and gives the same one from then on. */
export type Once = <T>(name: string, make: () => T) => T;

/** What the tasks of one process share, for as long as they run. */
export const createOnce = (): Once => {
  const made = new Map<string, unknown>();
  return <T>(name: string, make: () => T): T => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name) as T;
  };
};
