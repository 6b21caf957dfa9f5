import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PinlaneError } from '@pinlane/contracts';
import { chunksOf, drain, runs } from '@pinlane/testing';
import { readTar, sha256, tarChunks, type LayerEntry } from '../../src/index.ts';
import { hasPattern } from '../../src/assemble/glob.ts';
import { matcherOf } from '../../src/patterns/name-pattern.ts';
import { FileTree, newFolder } from '../../src/assemble/tree.ts';
import { unpackTar } from '../support/building.ts';

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
  .map((text) => text.replace(/[\p{Cc}/]/gu, '_'))
  .filter((text) => text !== '.' && text !== '..' && !/\p{Surrogate}/u.test(text));
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
const owned = { mode: fc.integer({ min: 0, max: 0o7777 }), uid: fc.nat(0o7777777), gid: fc.nat(0o7777777) };
const entry: fc.Arbitrary<LayerEntry> = fc.oneof(
  fc
    .record({ ...owned, path, content: fc.uint8Array({ maxLength: 2000 }) })
    .map(({ content, ...rest }): LayerEntry => ({ ...rest, type: 'file', size: content.length, sha256: sha256(content), open: () => chunksOf(content, 100) })),
  fc.record({ ...owned, path, type: fc.constant('directory' as const) }),
  fc.record({ ...owned, path, type: fc.constant('symlink' as const), target: path }),
);
const entries = fc.uniqueArray(entry, { selector: (each) => each.path, maxLength: 12 });

describe('a layer', () => {
  it('is read by another library as it was meant', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const read = await unpackTar(await drain(tarChunks(list)));
        const expected = [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
        expect(read.map(({ name: found, mode, uid, gid, type, linkname }) => [found, mode, uid, gid, type, linkname ?? ''])).toEqual(
          expected.map((each) => [
            each.type === 'directory' ? `${each.path}/` : each.path,
            each.mode,
            each.uid,
            each.gid,
            each.type,
            each.type === 'symlink' ? each.target : '',
          ]),
        );
      }),
      { numRuns: runs(200) },
    );
  });

  it('has the same bytes for any order of the entries', async () => {
    const shuffled = entries.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    await fc.assert(
      fc.asyncProperty(shuffled, async ([list, other]) => {
        expect(sha256(await drain(tarChunks(other)))).toBe(sha256(await drain(tarChunks(list))));
      }),
      { numRuns: runs(100) },
    );
  });

  it('of any bytes is read, or refused, and nothing else happens', async () => {
    const noise = fc.uint8Array({ maxLength: 3000 });
    const spoilt = fc.tuple(entries, fc.nat(3000), fc.nat(255)).map(([list, at, byte]) => ({ list, at, byte }));
    const read = async (bytes: Uint8Array) => {
      try {
        for await (const { content } of readTar(chunksOf(bytes, 333))) for await (const _ of content);
      } catch (error) {
        expect(error).toBeInstanceOf(PinlaneError);
      }
    };
    await fc.assert(fc.asyncProperty(noise, read), { numRuns: runs(200) });
    await fc.assert(
      fc.asyncProperty(spoilt, async ({ list, at, byte }) => {
        const bytes = await drain(tarChunks(list));
        bytes[at % bytes.length] = byte;
        await read(bytes);
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('a tree of files', () => {
  it('never leads out of its root, whatever links are in it', () => {
    const part = fc.constantFrom('a', 'b', 'c', '..', '.');
    const somePath = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'a/b', 'b/c', 'a/c'), fc.tuple(fc.boolean(), somePath)), { maxLength: 5 }),
        somePath,
        (links, wanted) => {
          const tree = new FileTree();
          const about = { mode: 0o755, uid: 0, gid: 0 };
          for (const folder of ['a', 'b']) tree.put(folder, newFolder());
          for (const [at, [absolute, target]] of links) {
            const parent = tree.get(at.split('/').slice(0, -1).join('/'));
            if (parent?.type === 'directory') tree.put(at, { ...about, type: 'symlink', target: `${absolute ? '/' : ''}${target}` });
          }
          try {
            expect(tree.resolve(wanted).split('/')).not.toContain('..');
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_CONTEXT_INVALID' });
          }
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});

describe('a pattern of COPY', () => {
  it('without special characters matches itself alone', () => {
    fc.assert(
      fc.property(name, name, (pattern, other) => {
        fc.pre(!hasPattern(pattern));
        expect(matcherOf(pattern)!(pattern)).toBe(true);
        expect(matcherOf(pattern)!(other)).toBe(other === pattern);
      }),
    );
  });

  it('with each character escaped matches itself alone', () => {
    fc.assert(
      fc.property(name, name, (text, other) => {
        const pattern = [...text].map((char) => `\\${char}`).join('');
        expect(matcherOf(pattern)!(text)).toBe(true);
        expect(matcherOf(pattern)!(other)).toBe(other === text);
      }),
    );
  });

  it('of any text is understood or refused, never broken', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('[', ']', '^', '-', '\\', '*', '?', 'a', 'b', '.', '(', '|')).map((parts) => parts.join('')),
        (pattern) => {
          expect([undefined, true, false]).toContain(matcherOf(pattern)?.('ab'));
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  it.each([
    ['*', 'any', true],
    ['a*c', 'abc', true],
    ['a*c', 'abd', false],
    ['a?c', 'a☃c', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[\\-\\]]', ']', true],
    ['a.c', 'abc', false],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matcherOf(pattern)!(text)).toBe(expected);
  });
});
