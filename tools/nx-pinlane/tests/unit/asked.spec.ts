import { describe, expect, it } from '@jest/globals';
import { asksOursAlone, handOnAsked, mayBeAsked } from '../../src/nx/asked.ts';

const argv = (command: string): string[] => ['/usr/bin/node', ...command.split(' ')];

describe('what a command of Nx asks for', () => {
  it.each([
    ['nx run-many -t pin', true],
    ['nx run-many -t pin acceptance --parallel=3', true],
    ['nx run-many --projects a,b --targets=pin,smoke', true],
    ['nx affected --base=HEAD~1 --target pin,acceptance', true],
    ['nx affected -t=pin -t smoke', true],
    ['nx run shop:pin', true],
    ['nx run @acme/shop:modal-deploy:production --skip', true],
    ['nx pin shop', true],
    ['nx run base:base-for-pins', true],
    ['nx run-many -t pin test', false],
    ['nx run-many -t pin --targets=build', false],
    ['nx affected -t test -- -t pin', false],
    ['nx run-many -p pin', false],
    ['nx run shop:test', false],
    ['nx run pin', false],
    ['nx test pin', false],
    ['nx --batch run-many -t test', false],
    ['nx', false],
  ])('is by %j this plugin alone: %s', (command, expected) => {
    expect(asksOursAlone(argv(command))).toBe(expected);
  });

  it('reaches the tasks by the names that it may mean, and not those of a run that began within it', () => {
    const env = {};
    handOnAsked(argv('nx run-many -t pin,smoke -- drift'), env);
    expect(['pin', 'smoke', 'drift'].map((target) => mayBeAsked(target, env))).toEqual([true, true, false]);
    handOnAsked(argv('nx run shop:drift'), env);
    expect(['pin', 'smoke', 'drift'].map((target) => mayBeAsked(target, env))).toEqual([false, false, true]);
  });
});
