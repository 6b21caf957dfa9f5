import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { textDiff } from '../../src/verbs/pin/text-diff.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', '  d: 1'), { minLength: 1, maxLength: 12 });

describe('the diff of two texts', () => {
  it('takes away and adds exactly the lines by which they differ', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = textDiff(before.join('\n'), after.join('\n'));
        const marked = (mark: string) => diff.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
        const result: string[] = [...before];
        for (const line of marked('-')) result.splice(result.indexOf(line), 1);
        expect([...result, ...marked('+')].sort()).toEqual([...after].sort());
      }),
    );
  });

  it('is empty for a text and itself', () => {
    fc.assert(fc.property(lines, (text) => textDiff(text.join('\n'), text.join('\n')).length === 0));
  });
});
