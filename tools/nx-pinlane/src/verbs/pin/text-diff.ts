const CONTEXT = 1;

/** The lines that differ between two texts of which one is an edit of the other, with one line around them, as `-`, `+` and blank. */
export const textDiff = (before: string, after: string): string[] => {
  if (before === after) return [];
  const [a, b] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  // The longest common subsequence, from the end; registry.yaml is short.
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const lines: { readonly mark: ' ' | '-' | '+'; readonly text: string }[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i]! });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) lines.push({ mark: '-', text: a[i++]! });
    else lines.push({ mark: '+', text: b[j++]! });
  }
  const near = (at: number) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== ' ');
  return lines.flatMap(({ mark, text }, at) => (near(at) ? [`${mark} ${text}`] : []));
};
