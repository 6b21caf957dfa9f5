import { describe, expect, it } from '@jest/globals';
import { inParallel } from '../../../src/index.ts';

const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('Tasks in parallel', () => {
  it('give their results in the order of the items, and never run more at once than allowed', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([3, 1, 2, 0], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await soon();
      running -= 1;
      return item * 10;
    });
    expect([results, most]).toEqual([[30, 10, 20, 0], 2]);
  });

  it('are none for no items', async () => {
    expect(await inParallel([], 4, async () => 1)).toEqual([]);
  });

  it('stop at the first failure: others are told, waited for, and none begins', async () => {
    const said: string[] = [];
    const failing = inParallel(['waits', 'fails', 'never begins'], 2, async (item, signal) => {
      said.push(`${item} begins`);
      if (item === 'fails') throw new Error('the cause');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await soon();
      said.push(`${item} ends`);
      throw new Error('the consequence');
    });
    await expect(failing).rejects.toThrow('the cause');
    expect(said).toEqual(['waits begins', 'fails begins', 'waits ends']);
  });

  it('are told when the caller calls the work off', async () => {
    const stop = new AbortController();
    const working = inParallel(
      [1],
      1,
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('off')))),
      stop.signal,
    );
    stop.abort();
    await expect(working).rejects.toThrow('off');
  });
});
