import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, property, string, tuple } from 'fast-check';
import { runs, temporaryFolder } from '@pinlane/testing';
import { parseEntryName } from '../../src/index.ts';
import { EntryError } from '../../src/layer/read-layer.ts';
import { createResolver } from '../../src/unpack/resolve.ts';

describe('the name of a tar entry', () => {
  it('never gives parts that could leave the root', () => {
    const part = constantFrom('a', '..', '.', '', '.wh.a', '.wh...', '.wh..wh..opq', '...', 'b\0', '.wh.');
    assert(
      property(array(part, { maxLength: 6 }), string(), (parts, tail) => {
        const entry = parseEntryName([...parts, tail].join('/'));
        if (!('parts' in entry)) return;
        for (const found of entry.parts) expect(found === '' || found === '.' || found === '..' || /[/\0]/.test(found)).toBe(false);
      }),
    );
  });
});

describe('resolving below a root', () => {
  it('never finds or makes a folder outside of it, whatever links there are', () => {
    const name = constantFrom('a', 'b', 'c');
    const step = constantFrom('a', 'b', 'c', '..', '.', '');
    const target = tuple(constantFrom('', '/'), array(step, { minLength: 1, maxLength: 5 })).map(([lead, steps]) => `${lead}${steps.join('/')}` || '/');
    assert(
      property(array(tuple(name, target), { maxLength: 3 }), array(array(step, { maxLength: 5 }), { minLength: 1, maxLength: 4 }), (links, paths) => {
        const around = temporaryFolder('resolve');
        const root = join(around, 'root');
        mkdirSync(root);
        for (const [link, to] of new Map(links)) symlinkSync(to, join(root, link));
        const resolver = createResolver(root);
        for (const path of paths) {
          let found: string;
          try {
            found = resolver.folder(path, () => {});
          } catch (error) {
            if (error instanceof EntryError) continue;
            throw error;
          }
          // The result is free of links: its real path is the path itself.
          expect(realpathSync(join(root, found))).toBe(found === '' ? root : `${root}${sep}${found}`);
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
