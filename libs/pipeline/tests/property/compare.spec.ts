import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Digest } from '@pinlane/contracts';
import { runs } from '@pinlane/testing';
import { compareFiles, documentDifferences, pairLayers, type ComparedEntry } from '../../src/index.ts';

/** Few names and values, so that they meet. */
const entries = (): fc.Arbitrary<ComparedEntry[]> =>
  fc.array(
    fc.record({
      path: fc.constantFrom('a', 'b', 'b/c', '__proto__'),
      facts: fc.record({ type: fc.constantFrom('file', 'link'), mode: fc.constantFrom('1', '2') }),
    }),
    {
      maxLength: 6,
    },
  );

const compare = (pinned: readonly ComparedEntry[], built: readonly ComparedEntry[]) => {
  const told: string[] = [];
  const comparison = compareFiles((path) => told.push(path));
  built.forEach(comparison.built);
  pinned.forEach(comparison.pinned);
  return { told, ...comparison.end() };
};

/** The entries of each path, in their order. */
const byPath = (all: readonly ComparedEntry[]): string => JSON.stringify(all.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)));

describe('a comparison of layers', () => {
  it('tells of something exactly if an entry differs, and of the order exactly if none does', () => {
    fc.assert(
      fc.property(entries(), entries(), (pinned, built) => {
        const { told, same, ordered } = compare(pinned, built);
        expect([same, told.length === 0]).toEqual([byPath(pinned) === byPath(built), byPath(pinned) === byPath(built)]);
        if (same) expect(ordered).toBe(JSON.stringify(pinned.map(({ path }) => path)) === JSON.stringify(built.map(({ path }) => path)));
      }),
      { numRuns: runs(200) },
    );
  });

  it('finds nothing in a layer that is shuffled path by path, and what was taken out of it', () => {
    fc.assert(
      fc.property(entries(), fc.nat(), (built, at) => {
        expect(compare(built, built)).toMatchObject({ told: [], same: true, ordered: true });
        if (built.length === 0) return;
        const without = built.filter((_, position) => position !== at % built.length);
        expect(compare(without, built).same).toBe(false);
        expect(compare(built, without).same).toBe(false);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('pairs of layers', () => {
  const layers = () => fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 }) as unknown as fc.Arbitrary<Digest[]>;

  it('hold every layer of either image once and in its order, and as many equal ones as can be', () => {
    const longest = (a: readonly Digest[], b: readonly Digest[]): number => {
      if (a.length === 0 || b.length === 0) return 0;
      if (a[0] === b[0]) return 1 + longest(a.slice(1), b.slice(1));
      return Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
    };
    fc.assert(
      fc.property(layers(), layers(), (pinned, built) => {
        const pairs = pairLayers(pinned, built);
        expect(pairs.flatMap((pair) => pair.pinned ?? [])).toEqual([...pinned.keys()]);
        expect(pairs.flatMap((pair) => pair.built ?? [])).toEqual([...built.keys()]);
        const equal = pairs.filter((pair) => pair.pinned !== null && pair.built !== null && pinned[pair.pinned] === built[pair.built]);
        expect(equal.length).toBeGreaterThanOrEqual(longest(pinned, built));
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a comparison of documents', () => {
  it('tells of something exactly if they differ', () => {
    const documents = () => fc.jsonValue({ maxDepth: 3, noUnicodeString: true });
    fc.assert(
      fc.property(documents(), documents(), (pinned, built) => {
        const again = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(documentDifferences(again(pinned), again(pinned)).next().done).toBe(true);
        expect(documentDifferences(again(pinned), again(built)).next().done).toBe(isDeepStrictEqual(again(pinned), again(built)));
      }),
      { numRuns: runs(100) },
    );
  });
});
