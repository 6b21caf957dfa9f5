import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStanzas } from '../../src/debian/control.ts';
import { ALIASES, parentsOf, treePath } from '../../src/tree/paths.ts';

const segment = fc.oneof(
  fc.constantFrom('.', '', 'lib', 'lib64', 'bin', 'usr', 'var', 'run', 'lock', 'x'),
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/[/\0]/g, '_')),
);
const raw = fc.array(segment, { maxLength: 8 }).map((segments) => segments.join('/'));

describe('the path of a package entry in the tree', () => {
  it('is relative, has no empty part and never leaves the root', () => {
    fc.assert(
      fc.property(raw, (name) => {
        fc.pre(!name.split('/').includes('..'));
        const path = treePath(name, 'p');
        expect(path.startsWith('/')).toBe(false);
        expect(path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
      }),
    );
  });

  it('is refused whenever any part of it climbs', () => {
    fc.assert(
      fc.property(raw, raw, (before, after) => {
        expect(() => treePath(`${before}/../${after}`, 'p')).toThrow(/ERR_LAYER_UNSAFE/);
      }),
    );
  });

  it('stays as it is when it is looked up again, and lies below no alias', () => {
    fc.assert(
      fc.property(raw, (name) => {
        fc.pre(!name.split('/').includes('..'));
        const path = treePath(name, 'p');
        expect(treePath(path, 'p')).toBe(path);
        expect([path, ...parentsOf(path)].some((one) => Object.hasOwn(ALIASES, one))).toBe(false);
      }),
    );
  });
});

describe('control stanzas', () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(name, value, { minKeys: 1, maxKeys: 6 }), { maxLength: 5 }), (stanzas) => {
        const lower = stanzas.map((fields) => new Map(Object.entries(fields).map(([key, text]) => [key.toLowerCase(), text])));
        const text = stanzas
          .map((fields) =>
            Object.entries(fields)
              .map(([key, one]) => `${key}: ${one}\n`)
              .join(''),
          )
          .join('\n');
        expect(parseStanzas(text)).toEqual(lower);
      }),
    );
  });

  it('are read from any text without an exception', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(Array.isArray(parseStanzas(text))).toBe(true)));
  });
});
