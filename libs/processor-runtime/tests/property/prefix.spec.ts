import { isAbsolute, relative, resolve } from 'node:path/posix';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { expandPrefix, matchesOutput, outputPathProblem } from '../../src/prefix.ts';

const ROOT = '/artifacts';
const piece = fc.oneof(
  fc.constantFrom('..', '.', '/', '//', '{execution_id}', '%2f', '%2E', '%5c', '\\', '\0', '\n', 'artifacts', '/artifacts/', 'a', '-', ' ', 'é'),
  fc.string(),
);
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);

const expanded = (prefix: string, executionId: string): string | null => {
  try {
    return expandPrefix(prefix, executionId, ROOT).path;
  } catch {
    return null;
  }
};

describe('a write_prefix', () => {
  it('never leads out of the artifacts root or to it, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), id, (pieces, executionId) => {
        const path = expanded(pieces.join(''), executionId);
        if (path === null) return;
        const inside = relative(ROOT, resolve(ROOT, path));
        expect(inside).not.toBe('');
        expect(inside.split('/')).not.toContain('..');
        expect(isAbsolute(path)).toBe(false);
        expect(path).toContain(executionId);
        expect(path).not.toMatch(/[\0\n\\]/);
      }),
    );
  });

  it('is taken when it is made of plain names, absolute or relative', () => {
    const name = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(name, { maxLength: 4 }), id, fc.boolean(), (names, executionId, absolute) => {
        const tail = [...names, '{execution_id}', ''].join('/');
        expect(expanded(absolute ? `${ROOT}/${tail}` : tail, executionId)).toBe([...names, executionId].join('/'));
      }),
    );
  });
});

describe('the path of an output', () => {
  it('stays below outputs when nothing is wrong with it', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const path = pieces.join('');
        if (outputPathProblem(path) !== null) return;
        expect(resolve('/outputs', path)).toBe(`/outputs/${path}`);
      }),
    );
  });

  it('matches a pattern whose stars stand for anything but a slash', () => {
    expect(matchesOutput('thumbnails/*.png', 'thumbnails/a b.png')).toBe(true);
    expect(matchesOutput('thumbnails/*.png', 'thumbnails/a/b.png')).toBe(false);
    expect(matchesOutput('a.txt', 'aXtxt')).toBe(false);
    expect(matchesOutput('files/*', 'files/')).toBe(true);
  });
});
