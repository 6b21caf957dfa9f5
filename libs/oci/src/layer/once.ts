/** Work that several ask for is done once. What failed stays failed: the work belongs to one build. */
export const once = <K, V>(done: Map<K, Promise<V>>, key: K, work: () => Promise<V>): Promise<V> => {
  const known = done.get(key) ?? work();
  done.set(key, known);
  return known;
};
