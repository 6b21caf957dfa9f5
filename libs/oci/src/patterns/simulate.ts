import { inSet, pointsOf, type CharSet } from './char-set.ts';
import type { Step } from './expression.ts';

const NEWLINE = 10;
const SLASH = 47;
const LAST_ASCII = 127;

/** Counts what matching costs: places that were looked at. */
export interface Work {
  spent: number;
}

/** As `inSet`, with a table for ASCII. */
const memberOf = (set: CharSet): ((point: number) => boolean) => {
  const table = Uint8Array.from({ length: LAST_ASCII + 1 }, (_, point) => Number(inSet(set, point)));
  return (point) => (point <= LAST_ASCII ? table[point] === 1 : inSet(set, point));
};

const ONE = 1;
const MANY = 2;
const FOLDERS = 3;
const ASSERT = 4;
const KINDS = { one: ONE, option: ONE, many: MANY, folders: FOLDERS, assert: ASSERT } as const;

/**
 * Matches whole texts against an expression. All that its steps may have taken so far is followed at once (Thompson's construction), so that the time
 * stays below the product of the two lengths, whatever the expression says.
 */
export const matcherOfSteps = (steps: readonly Step[], work: Work = { spent: 0 }): ((text: string) => boolean) => {
  const kinds = Uint8Array.from(steps, ({ kind }) => KINDS[kind]);
  const members = new Map<CharSet, (point: number) => boolean>();
  const fits = steps.map((step) => {
    if (!('set' in step)) return () => false;
    const known = members.get(step.set) ?? memberOf(step.set);
    members.set(step.set, known);
    return known;
  });
  // The place before step n is 2n; 2n + 1 is inside of it, if it is `folders`.
  const seen = new Float64Array(2 * steps.length + 2).fill(-1);
  let [now, next] = [new Int32Array(seen.length), new Int32Array(seen.length)];
  let [count, round] = [0, 0];

  const add = (place: number): void => {
    seen[place] = round;
    next[count] = place;
    count += 1;
  };

  /** Adds a place, and those that are reached from it without a character. */
  const reach = (from: number, points: readonly number[], at: number): void => {
    for (let place = from; seen[place] !== round; place += 2) {
      add(place);
      const step = steps[place >> 1];
      if (place % 2 === 1 || step === undefined || step.kind === 'one') return;
      if (step.kind === 'folders' && seen[place + 1] !== round) add(place + 1);
      if (step.kind === 'assert' && !step.holds(points, at)) return;
    }
  };

  const start = (points: readonly number[]): void => {
    round += 1;
    count = 0;
    reach(0, points, 0);
  };

  /** Goes one character on. */
  const advance = (points: readonly number[], at: number): void => {
    const [point, places] = [points[at]!, count];
    [now, next] = [next, now];
    [count, round] = [0, round + 1];
    for (let each = 0; each < places; each += 1) {
      const place = now[each]!;
      const kind = kinds[place >> 1];
      if (place % 2 === 1) {
        if (point !== NEWLINE) reach(place, points, at + 1);
        if (point === SLASH) reach(place + 1, points, at + 1);
      } else if ((kind === ONE || kind === MANY) && fits[place >> 1]!(point)) reach(kind === MANY ? place : place + 2, points, at + 1);
    }
  };

  return (text) => {
    const points = pointsOf(text);
    start(points);
    for (let at = 0; at < points.length && count > 0; at += 1) {
      work.spent += count;
      advance(points, at);
    }
    return seen[2 * steps.length] === round && count > 0;
  };
};
