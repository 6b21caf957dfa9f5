import { describe, expect, it } from '@jest/globals';
import { namingOptions } from '../../src/options/docker.ts';

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
