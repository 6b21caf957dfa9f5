import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '@pinlane/testing';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, parseConfig, parseManifest, sha256 } from '../../src/index.ts';

/** JSON as it is written: an object is a list of pairs, in which a key may come again. */
type Written = string | number | boolean | null | readonly Written[] | { readonly pairs: readonly (readonly [string, Written])[] };

const isObject = (value: Written): value is { readonly pairs: readonly (readonly [string, Written])[] } =>
  typeof value === 'object' && value !== null && 'pairs' in value;

const written = (value: unknown): Written =>
  Array.isArray(value)
    ? value.map(written)
    : typeof value === 'object' && value !== null
      ? { pairs: Object.entries(value).map(([key, each]) => [key, written(each)] as const) }
      : (value as Written);

/** The text; `escape` tells of each key whether its first letter is written as an escape. */
const textOf = (value: Written, escape: () => boolean): string => {
  if (isObject(value)) {
    const keyOf = (key: string) =>
      escape() && key !== '' ? `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(key.slice(1)).slice(1)}` : JSON.stringify(key);
    return `{${value.pairs.map(([key, each]) => `${keyOf(key)}:${textOf(each, escape)}`).join(',')}}`;
  }
  return Array.isArray(value) ? `[${value.map((each: Written) => textOf(each, escape)).join(',')}]` : JSON.stringify(value);
};

/** The fields of a Go struct by name, with those of the structs in them; `map` is a Go map, `leaf` anything else. */
type Fields = 'map' | 'leaf' | { readonly list: Fields } | { readonly struct: Readonly<Record<string, Fields>> };

const descriptorFields: Fields = { struct: { mediaType: 'leaf', digest: 'leaf', size: 'leaf', annotations: 'map' } };
const MANIFEST: Fields = {
  struct: {
    schemaVersion: 'leaf',
    mediaType: 'leaf',
    config: descriptorFields,
    layers: { list: descriptorFields },
    subject: descriptorFields,
    annotations: 'map',
  },
};
const CONFIG: Fields = {
  struct: {
    architecture: 'leaf',
    os: 'leaf',
    variant: 'leaf',
    rootfs: { struct: { type: 'leaf', diff_ids: 'leaf' } },
    config: { struct: { User: 'leaf', Env: 'leaf', Entrypoint: 'leaf', WorkingDir: 'leaf', Labels: 'map' } },
  },
};

/** Go's foldName (encoding/json, fold.go), for the letters of these names: case, the long s and the Kelvin sign do not count. */
const goFold = (key: string): string =>
  key
    .replace(/ſ/g, 's')
    .replace(/\u212a/g, 'k')
    .toLowerCase();

/** What Go's encoding/json makes of a document: a field by its very name, else by its folded one; of a repeated key the last, and structs are merged. */
const goReads = (value: Written, fields: Fields, before: unknown = undefined): unknown => {
  if (fields === 'leaf') return value === null ? before : plain(value);
  if (fields === 'map') return isObject(value) ? { ...(before as object | undefined), ...(plain(value) as object) } : before;
  if ('list' in fields) return Array.isArray(value) ? value.map((each: Written) => goReads(each, fields.list)) : before;
  if (!isObject(value)) return before;
  const read: Record<string, unknown> = { ...(before as object | undefined) };
  for (const [key, each] of value.pairs) {
    const name = Object.hasOwn(fields.struct, key) ? key : Object.keys(fields.struct).find((field) => goFold(field) === goFold(key));
    if (name !== undefined) read[name] = goReads(each, fields.struct[name]!, read[name]);
  }
  return read;
};

const plain = (value: Written): unknown =>
  isObject(value)
    ? Object.fromEntries(value.pairs.map(([key, each]) => [key, plain(each)]))
    : Array.isArray(value)
      ? value.map((each: Written) => plain(each))
      : value;

/** Another spelling of a key: of other case, with a long s or a Kelvin sign, or the same. */
const respelt = (key: string, how: number): string => {
  const ways = [
    key,
    key.toUpperCase(),
    key.toLowerCase(),
    key.replace('s', 'ſ'),
    key.replace('k', '\u212a'),
    `${key[0]!.toUpperCase()}${key.slice(1)}`,
    `${key}x`,
  ];
  return ways[how % ways.length]!;
};

/** How a document is spoilt: at the object of this number, the pair of this number comes again in another spelling, or is respelt. */
interface Change {
  readonly object: number;
  readonly pair: number;
  readonly how: number;
  readonly again: boolean;
  readonly value: Written;
}

const objectsIn = (value: Written): number =>
  isObject(value)
    ? 1 + value.pairs.reduce((sum, [, each]) => sum + objectsIn(each), 0)
    : Array.isArray(value)
      ? value.reduce((sum: number, each: Written) => sum + objectsIn(each), 0)
      : 0;

const spoil = (value: Written, change: Change): Written => {
  let left = change.object % Math.max(1, objectsIn(value));
  const walk = (each: Written): Written => {
    if (Array.isArray(each)) return each.map(walk);
    if (!isObject(each)) return each;
    const here = left-- === 0;
    const pairs = each.pairs.map(([key, inner]) => [key, walk(inner)] as const);
    if (!here || pairs.length === 0) return { pairs };
    const at = change.pair % pairs.length;
    const [key, old] = pairs[at]!;
    const name = respelt(key, change.how);
    if (!change.again) return { pairs: pairs.with(at, [name, old]) };
    return { pairs: [...pairs, [name, change.value ?? old]] };
  };
  return walk(value);
};

const change: fc.Arbitrary<Change> = fc.record({
  object: fc.nat(10),
  pair: fc.nat(10),
  how: fc.nat(20),
  again: fc.boolean(),
  value: fc.constantFrom<Written>(null, 1, 'root', [], { pairs: [] }, { pairs: [['digest', sha256('other')]] }),
});

const named = (text: string, mediaType: string) => ({ mediaType, digest: sha256(text), size: text.length, annotations: { a: '1', A: '2' } });
const MANIFEST_DOCUMENT = written({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: named('config', OCI_CONFIG),
  layers: [named('layer', OCI_LAYER)],
  annotations: { k: 'v' },
});
const CONFIG_DOCUMENT = written({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [sha256('layer')] },
  config: { User: '1000', Env: ['A=b'], Entrypoint: ['/app'], WorkingDir: '/', Labels: { user: 'x', User: 'y' } },
});

/** The fields that a reader in Go has, of what was read here. */
const only = (value: unknown, fields: Fields): unknown => goReads(written(JSON.parse(JSON.stringify(value ?? null))), fields);

// What the specification lets a document leave out counts as this.
const KINDS = [
  ['manifest', MANIFEST_DOCUMENT, MANIFEST, parseManifest, { mediaType: OCI_MANIFEST }],
  ['config', CONFIG_DOCUMENT, CONFIG, parseConfig, { rootfs: { type: 'layers', diff_ids: [] } }],
] as const;

describe.each(KINDS)('A %s, spoilt in any way', (_, document, fields, parse, defaults) => {
  it('is read as Go reads it, or refused', () => {
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.array(fc.boolean(), { minLength: 1 }), (changes, escapes) => {
        const value = changes.reduce(spoil, document);
        let at = 0;
        const bytes = Buffer.from(textOf(value, () => escapes[at++ % escapes.length]!));
        const ours = (() => {
          try {
            return parse(bytes);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_MANIFEST_INVALID' });
            return undefined;
          }
        })();
        if (ours === undefined) return void (refused += 1);
        taken += 1;
        expect(only(ours, fields)).toEqual(goReads(value, fields, defaults));
      }),
      { numRuns: runs(1500) },
    );
    // Neither is everything refused nor everything taken.
    expect(Math.min(taken, refused)).toBeGreaterThan(100);
  });
});
