/** From one code point to another, both included. */
export type Range = readonly [from: number, to: number];

/** The last code point that there is. */
export const LAST_POINT = 0x10_ffff;

/** Characters by their code points: ranges in order, none of which touches the next. */
export type CharSet = readonly Range[];

/** The characters of any ranges. */
export const charSet = (ranges: readonly Range[]): CharSet => {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.filter((range) => range[0] <= range[1]).sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

/** All other characters. */
export const allBut = (set: CharSet): CharSet => {
  const others: Range[] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) others.push([next, from - 1]);
    next = to + 1;
  }
  return next > LAST_POINT ? others : [...others, [next, LAST_POINT]];
};

export const ANY: CharSet = [[0, LAST_POINT]];

/** Whether a code point is in a set, in the logarithm of the set's size. */
export const inSet = (set: CharSet, point: number): boolean => {
  let [low, high] = [0, set.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from, to] = set[middle]!;
    if (point < from) high = middle - 1;
    else if (point > to) low = middle + 1;
    else return true;
  }
  return false;
};

/** The code points of a text. */
export const pointsOf = (text: string): number[] => {
  const points: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const point = text.codePointAt(at)!;
    points.push(point);
    if (point > 0xffff) at += 1;
  }
  return points;
};
