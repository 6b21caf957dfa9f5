import { availableParallelism } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { handOnParallel, parallelIn, parallelOf } from '../../src/nx/parallel.ts';

describe('how many tasks run at once', () => {
  it.each<[string, string | undefined]>([
    ['nx run-many -t pin', undefined],
    ['nx run-many -t pin --parallel=5', '5'],
    ['nx run-many --parallel 7 -t pin', '7'],
    ['nx run-many --parallel -t pin', undefined],
    ['nx run-many --parallel --maxParallel=4', '4'],
    ['nx run-many --parallel=true --max-parallel 6', '6'],
    ['nx run-many --parallel=false', '1'],
    ['nx run-many --no-parallel', '1'],
    ['nx run-many --parallel=50%', '50%'],
    ['nx run a:pin -- --parallel=9', undefined],
  ])('is told by %j: %s', (command, said) => {
    expect(parallelIn(command.split(' '))).toBe(said);
  });

  it.each<[Record<string, string>, number | string | undefined, number]>([
    [{}, undefined, 3],
    [{}, 8, 8],
    [{ NX_PARALLEL: '2' }, 8, 2],
    [{ NX_PARALLEL: '2', NX_PINLANE_PARALLEL: '1' }, 8, 1],
    [{ NX_PINLANE_PARALLEL: '' }, 8, 8],
    [{ NX_PINLANE_PARALLEL: '0' }, 8, 1],
    [{ NX_PINLANE_PARALLEL: 'many' }, 8, 3],
    [{ NX_PINLANE_PARALLEL: '100%' }, undefined, availableParallelism()],
  ])('with %j and %s in nx.json is %s', (env, parallel, expected) => {
    expect(parallelOf(env, { parallel } as { parallel: number })).toBe(expected);
  });

  it('reaches the tasks of this run, and not those of one that began within it', () => {
    const env = {};
    handOnParallel(['nx', 'run-many', '--parallel=5'], env);
    expect(parallelOf(env, {})).toBe(5);
    handOnParallel(['nx', 'run', 'a:pin'], env);
    expect(parallelOf(env, {})).toBe(3);
  });
});
