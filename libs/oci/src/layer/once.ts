/** Does work that several ask for once. A failure is kept too, since the work belongs to one build. */
export const once = <K, V>(done: Map<K, Promise<V>>, key: K, work: () => Promise<V>): Promise<V> => {
  const known = done.get(key) ?? work();
  done.set(key, known);
  return known;
};
