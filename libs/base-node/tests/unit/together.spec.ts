import { describe, expect, it } from '@jest/globals';
import { limiter, together } from '../../src/together.ts';

const never = () => new AbortController().signal;
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }));

describe('tasks side by side', () => {
  it('answer in the order in which they were given', async () => {
    const later = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 'first';
    };
    expect(await together<string>(never(), [later, async () => 'second'])).toEqual(['first', 'second']);
  });

  it('stop each other when one fails, and throw what failed first once all have come to rest', async () => {
    let rested = false;
    const working = async (signal: AbortSignal) => {
      try {
        return await untilAborted(signal);
      } finally {
        rested = true;
      }
    };
    await expect(together(never(), [working, () => Promise.reject(new Error('the cause'))])).rejects.toThrow('the cause');
    expect(rested).toBe(true);
  });

  it('stop when their caller stops them', async () => {
    const stop = new AbortController();
    const running = together(stop.signal, [untilAborted, untilAborted]);
    stop.abort();
    await expect(running).rejects.toThrow('stopped');
  });
});

describe('a limit of work at once', () => {
  it('is never exceeded, and everything is done in turn, also after a failure', async () => {
    const inTurn = limiter(2);
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const work = (number: number) =>
      inTurn(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (number === 1) throw new Error('one failed');
        done.push(number);
      });
    const settled = await Promise.allSettled([0, 1, 2, 3, 4].map(work));
    expect(most).toBe(2);
    expect(done).toEqual([0, 2, 3, 4]);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  });
});
