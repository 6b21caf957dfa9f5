import { describe, expect, it } from '@jest/globals';
import { buildArguments, namingOptions } from '../../src/images/docker-options.ts';
import { options as buildxOptions } from '../../src/verbs/buildx/options.ts';
import { options as pinOptions } from '../../src/verbs/pin/options.ts';

describe('the names that a build is given', () => {
  it('take the stage under the name that Nx leaves alone, before the one that a target in nx.json has', () => {
    expect(namingOptions({ target: 'base' }).target).toBe('base');
    expect(namingOptions({ target: 'base', stage: 'debug' }).target).toBe('debug');
    expect(namingOptions({}).target).toBeUndefined();
  });

  it('are lists, however they were written', () => {
    expect(namingOptions({ tags: 'a, b' }).tags).toEqual(['a', 'b']);
    expect(namingOptions({ labels: ['a=b=c', 'd='] }).labels).toEqual({ a: 'b=c', d: '' });
    expect(() => namingOptions({ labels: '=x' })).toThrow('is not name=value');
  });
});

describe('options that other plugins write otherwise', () => {
  it.each([
    [['A=1', 'B=x=y'], { A: '1', B: 'x=y' }],
    ['A=', { A: '' }],
    [
      { A: 1, B: true },
      { A: '1', B: 'true' },
    ],
    [undefined, {}],
  ])('are build arguments: %j', (buildArgs, expected) => {
    expect(buildArguments(buildxOptions.buildArgs.parse(buildArgs))).toEqual(expected);
  });

  it('are no build argument where there is no value, which is taken from nowhere and never repeated', () => {
    const attempt = () => buildArguments(['hunter2canary']);
    expect(attempt).toThrow('ERR_OPTION_INVALID: --buildArgs: an entry is not NAME=value');
    expect(attempt).not.toThrow('hunter2');
  });

  it.each([
    [() => buildArguments(['__proto__=1']), '--buildArgs: an entry is named __proto__'],
    [() => buildArguments('__proto__='), '--buildArgs: an entry is named __proto__'],
    [() => namingOptions({ labels: ['a=b', '__proto__=1'] }), '--labels: an entry is named __proto__'],
  ])('are refused where their name would get lost in a record', (work, message) => {
    expect(work).toThrow(`ERR_OPTION_INVALID: ${message}`);
  });

  it.each([
    ['linux/amd64,linux/arm64', 'linux/amd64,linux/arm64'],
    [['linux/amd64', 'linux/arm64'], 'linux/amd64,linux/arm64'],
  ])('are platforms: %j', (platforms, expected) => {
    expect([buildxOptions.platforms.parse(platforms), pinOptions.platforms.parse(platforms)]).toEqual([expected, expected]);
  });
});
