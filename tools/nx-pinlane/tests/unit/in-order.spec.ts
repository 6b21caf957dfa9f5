import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inOrder } from '../../src/nx/in-order.ts';

/** Works through pieces, of which some fail, and tells what ran, in which order, and how many at once at most. */
const work = async (dependencies: Record<string, string[]>, atOnce: number, failing: readonly string[] = []) => {
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  const results: Record<string, string> = {};
  const piece = async (name: string): Promise<string> => {
    begun.push(name);
    most = Math.max(most, ++running);
    await new Promise((done) => setImmediate(done));
    running--;
    return failing.includes(name) ? 'failed' : 'good';
  };
  for await (const [name, result] of inOrder(dependencies, piece, { atOnce, isGood: (result) => result === 'good', skip: () => 'skipped' })) {
    results[name] = result;
  }
  return { begun, most, results };
};

describe('pieces of work in order', () => {
  it('skips what depends on a piece that failed, also through others, and nothing else', async () => {
    const dependencies = { d: ['c'], c: ['b'], b: ['a', 'elsewhere'], a: [], x: [], y: ['x'] };
    expect((await work(dependencies, 2, ['b'])).results).toEqual({ a: 'good', b: 'failed', c: 'skipped', d: 'skipped', x: 'good', y: 'good' });
  });

  it('is over where there is none, and fails where the work throws', async () => {
    expect((await work({}, 3)).results).toEqual({});
    const thrown = inOrder({ a: [] }, () => Promise.reject(new Error('no')), { atOnce: 1, isGood: () => true, skip: () => null });
    await expect(thrown.next()).rejects.toThrow('no');
  });

  it('works on every piece once, after those that it depends on, and never on more at once than it may', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (edges, atOnce) => {
        // Each depends on earlier ones alone, so there is no circle.
        const dependencies = Object.fromEntries(edges.map((to, at) => [`p${at}`, to.filter((each) => each < at).map((each) => `p${each}`)]));
        const { begun, most, results } = await work(dependencies, atOnce);
        expect([...begun].sort()).toEqual(Object.keys(dependencies).sort());
        expect(Object.keys(results).length).toBe(begun.length);
        expect(most).toBeLessThanOrEqual(atOnce);
        for (const [name, before] of Object.entries(dependencies)) for (const each of before) expect(begun.indexOf(each)).toBeLessThan(begun.indexOf(name));
      }),
      { numRuns: 50 },
    );
  });
});
