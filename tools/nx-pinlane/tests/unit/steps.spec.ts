import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createSteps } from '../../src/command/steps.ts';

/** What was told, and when: in ms from the start. */
const telling = (every = false) => {
  const told: [at: number, line: string][] = [];
  const start = performance.now();
  const steps = createSteps((line) => told.push([Math.round(performance.now() - start), line]), { every, first: 'buildx' });
  return { told, steps };
};

describe('what is told of work on an output that keeps every line', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('is nothing if the work takes less than a second', () => {
    const { told, steps } = telling();
    steps.begin('bundling');
    jest.advanceTimersByTime(900);
    steps.end();
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });

  it('is the verb, after a second, if the work names no step', () => {
    const { told } = telling();
    jest.advanceTimersByTime(1_500);
    expect(told).toEqual([[1_000, 'buildx']]);
  });

  it('is a step that lasts a second, and again when it goes on, each time after twice as long', () => {
    const { told, steps } = telling();
    jest.advanceTimersByTime(400);
    steps.begin('fetching');
    jest.advanceTimersByTime(50_000);
    expect(told).toEqual([
      [1_000, 'fetching'],
      [10_400, 'fetching (10 s)'],
      [20_400, 'fetching (20 s)'],
      [40_400, 'fetching (40 s)'],
    ]);
  });

  it('is one line every three seconds of many short steps, the first after a second', () => {
    const { told, steps } = telling();
    for (let at = 0; at < 100; at += 1) {
      steps.begin(`layer ${at}`);
      jest.advanceTimersByTime(100);
    }
    expect(told).toEqual([
      [1_000, 'layer 9'],
      [4_000, 'layer 39'],
      [7_000, 'layer 69'],
      [10_000, 'layer 99'],
    ]);
  });

  it('is no line within a second of another one', () => {
    const { told, steps } = telling();
    jest.advanceTimersByTime(900);
    steps.wrote();
    steps.begin('pushing');
    jest.advanceTimersByTime(5_000);
    expect(told).toEqual([[1_900, 'pushing']]);
  });

  it('is every step at once in a log for machines', () => {
    const { told, steps } = telling(true);
    steps.begin('bundling');
    steps.begin('building');
    expect(told.map(([, line]) => line)).toEqual(['bundling', 'building']);
  });
});
