import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createSlots } from '../../src/nx/slots.ts';

const turn = () => new Promise((done) => setImmediate(done));

/** Runs pieces that work, wait and work again, and tells how many did each at once at most. */
const work = async (count: number, pieces: number, failing: readonly number[] = []) => {
  const slots = createSlots(count);
  const most = { working: 0, waiting: 0 };
  const now = { working: 0, waiting: 0 };
  const during = async (kind: 'working' | 'waiting') => {
    most[kind] = Math.max(most[kind], ++now[kind]);
    // A wait takes longer than the work before it.
    for (let turns = kind === 'waiting' ? 5 : 1; turns > 0; turns--) await turn();
    now[kind] -= 1;
  };
  const results = await Promise.allSettled(
    Array.from({ length: pieces }, (_, at) =>
      slots.run(async () => {
        await during('working');
        await slots.waiting(async () => {
          await during('waiting');
          if (failing.includes(at)) throw new Error('no answer');
        });
        await during('working');
        return at;
      }),
    ),
  );
  return { most, results };
};

describe('slots for work', () => {
  it('are never taken by more than there are, whatever waits and fails, and are all given back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.nat(20), fc.array(fc.nat(20), { maxLength: 5 }), async (count, pieces, failing) => {
        const { most, results } = await work(count, pieces, failing);
        expect(most.working).toBeLessThanOrEqual(count);
        expect(results.map(({ status }) => status)).toEqual(results.map((_, at) => (failing.includes(at) ? 'rejected' : 'fulfilled')));
      }),
      { numRuns: 50 },
    );
  });

  it('let others work while one waits, but where there is a single one', async () => {
    expect((await work(2, 10)).most.waiting).toBeGreaterThan(2);
    expect((await work(1, 10)).most).toEqual({ working: 1, waiting: 1 });
  });
});
