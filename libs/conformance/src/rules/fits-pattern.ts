/** Whether a name fits a pattern in which `*` stands for any characters. Each part is looked for once, where it first is: time grows with the lengths alone. */
const nameFits = (pattern: string, name: string): boolean => {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === first;
  const last = rest.pop() as string;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
};

/** Whether the path of a file fits the path of an output in registry.yaml, in which `*` stands for any characters but `/`. */
export const fitsPattern = (pattern: string, path: string): boolean => {
  const [patterns, names] = [pattern.split('/'), path.split('/')];
  return patterns.length === names.length && patterns.every((each, index) => nameFits(each, names[index] as string));
};
