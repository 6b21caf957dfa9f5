import { describe, expect, it } from '@jest/globals';
import { isTag } from '@pinlane/contracts';
import fc from 'fast-check';
import { fillTagNames } from '../../src/images/tag-names.ts';

const names = { sha: '0123456789ab', branch: 'feature/ünïcode thing', tag: undefined };
const fill = (...tags: string[]) => {
  const notes: string[] = [];
  return { tags: fillTagNames(tags, names, (line) => notes.push(line)), notes };
};

describe('Tags with names of git', () => {
  it('have what a tag can hold of each', () => {
    expect(fill('latest', 'sha-{sha}', '{branch}', '{branch}-{sha}').tags).toEqual([
      'latest',
      'sha-0123456789ab',
      'feature-n-code-thing',
      'feature-n-code-thing-0123456789ab',
    ]);
  });

  it('are left out where git has no name, and said to be', () => {
    expect(fill('v{tag}', 'x')).toEqual({ tags: ['x'], notes: ['--tags: v{tag} is left out, because git names no tag for this commit'] });
  });

  it('know no other names', () => {
    expect(() => fill('{date}')).toThrow(/ERR_OPTION_INVALID: --tags: "\{date\}": there is no \{date\}\nfix: There are \{sha\}, \{branch\} and \{tag\}\./);
  });

  it('are tags, whatever a branch is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (branch) => {
        for (const tag of fillTagNames(['{branch}'], { sha: undefined, branch, tag: undefined }, () => undefined)) expect(isTag(tag)).toBe(true);
      }),
    );
  });
});
