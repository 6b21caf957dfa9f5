import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuSeconds, runs, temporaryFolder } from '@pinlane/testing';
import { decodeName, encodeName } from '../../src/layer/names.ts';
import { filesIn, listedTree, unpackedTree, withMountPoints, type Outcome } from '../support/layer-trees.ts';
import { rawTar, type RawEntry } from '../support/raw-tar.ts';

const numRuns = runs(120);

describe('A name of any bytes', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => Buffer.from(text)),
    // What UTF-8 may not have: half of a surrogate pair, an overlong slash, a code point beyond the last, half a character.
    fc.constantFrom('edb2ff', 'edb280', 'c0af', 'f4908080', 'e282', 'f09f98').map((hex) => Buffer.from(hex, 'hex')),
  );
  const bytes = fc.array(piece, { maxLength: 5 }).map((pieces) => Buffer.concat(pieces));

  it('goes back to the same bytes, so that no two are one', () => {
    fc.assert(
      fc.property(bytes, (name) => {
        expect(encodeName(decodeName(name)).equals(name)).toBe(true);
        expect(JSON.parse(JSON.stringify(decodeName(name)))).toBe(decodeName(name));
      }),
      { numRuns: runs(2000) },
    );
  });

  it('is the text itself if it is UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/\p{Surrogate}/u.test(text));
        expect(decodeName(Buffer.from(text))).toBe(text);
        expect(encodeName(text).equals(Buffer.from(text))).toBe(true);
      }),
    );
  });
});

describe('Layers of any kind', () => {
  let folder = '';
  beforeEach(() => void (folder = temporaryFolder('layers')));

  // Few names, so that entries meet.
  const good = fc.constantFrom('a', 'b', 'c', 'd', 'é', decodeName(Buffer.of(0xff)), decodeName(Buffer.of(0xe9, 0x61)));
  const odd = fc.constantFrom('.', '', '..', '.wh.a', '.wh.b', '.wh..wh..opq', '.wh..wh.plnk', '.wh.', 'é'.repeat(127), 'n'.repeat(256));
  const part = fc.oneof(
    { weight: 30, arbitrary: good },
    { weight: 1, arbitrary: odd },
    { weight: 1, arbitrary: fc.constantFrom('.wh.a', '.wh..wh..opq', '.') },
  );
  const path = fc
    .tuple(fc.constantFrom('', '', '', '/', './', '//'), fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '', '', '/'))
    .map(([lead, parts, end]) => `${lead}${parts.join('/')}${end}`);
  const entry: fc.Arbitrary<RawEntry> = fc
    .record({
      form: fc.constantFrom('v7' as const, 'ustar' as const, 'gnu' as const, 'pax' as const),
      flag: fc.constantFrom('0', '0', '\0', '7', '1', '2', '5', '5', '5', '5', '6', 'Z'),
      name: path,
      linkName: path,
      content: fc.constantFrom(new Uint8Array(), Buffer.from('x'), Buffer.from('y'.repeat(700))),
    })
    .map((made) => ({ ...made, content: '1256'.includes(made.flag) ? new Uint8Array() : made.content }));
  const layers = fc.array(fc.array(entry, { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 3 });

  it('are assembled to the very tree that they are unpacked to, or refused by both', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(layers, async (entries) => {
        const tars = entries.map((each) => rawTar(each));
        const [listed, unpacked] = [await listedTree(tars), await unpackedTree(tars, folder)];
        expect(unpacked).toEqual(withMountPoints(listed));
        if (typeof listed !== 'string') accepted += 1;
      }),
      { numRuns },
    );
    expect(accepted).toBeGreaterThan(numRuns / 10);
  });

  it('that GNU tar unpacks without a complaint are the same to it', async () => {
    let compared = 0;
    // It puts off links that lead out of the folder, and so takes what comes in their place otherwise.
    const leadsOut = ({ flag, linkName = '' }: RawEntry) => flag === '2' && /^\/|\.\./.test(linkName);
    const plain = entry.filter((each) => each.flag !== '6' && !each.name.includes('.wh.') && !leadsOut(each));
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 7 }), async (entries) => {
        const tar = rawTar(entries);
        const into = mkdtempSync(join(folder, 'gnu-'));
        const { status, stderr } = spawnSync('tar', ['-xf', '-', '-C', into, '--no-same-owner', '--delay-directory-restore'], { input: tar });
        const listed = await listedTree([tar]);
        if (status !== 0 || typeof listed === 'string' || /unknown file type/i.test(String(stderr))) return;
        compared += 1;
        expect(filesIn(into)).toEqual(listed);
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
    expect(compared).toBeGreaterThan(numRuns / 20);
  });
});

describe('A layer that asks for more work than it looks like', () => {
  let folder = '';
  beforeEach(() => void (folder = temporaryFolder('layers')));
  const dir = (name: string): RawEntry => ({ form: 'ustar', name, flag: '5', mode: 0o755 });
  const file = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({ form: 'ustar', name, flag: '0', ...more });
  const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
  const deep = (depth: number) => many(depth, () => 'd').join('/');

  // Each took many times as long as it may here when work was done anew for each entry.
  const KINDS: Readonly<Record<string, readonly RawEntry[][]>> = {
    'opaque marks without number': [[...many(1000, (at) => file(`a/${at}`)), ...many(3000, () => file('a/.wh..wh..opq'))]],
    'opaque marks in each folder on the way': [
      [...many(1000, (at) => file(`${deep(40)}/${at}`)), ...many(2000, (at) => file(`${deep(1 + (at % 40))}/.wh..wh..opq`))],
      many(1000, (at) => file(`${deep(1 + (at % 40))}/.wh..wh..opq`)),
    ],
    'whiteouts of what it has itself': [[...many(1000, (at) => file(`a/${at}`)), ...many(3000, () => file('.wh.a'))]],
    'hard links to one file': [[file('a'), ...many(1000, (at) => file(`l${at}`, { flag: '1', linkName: 'a' }))]],
    'links over links': [
      [dir('z'), ...many(39, (at) => file(`l${at}`, { flag: '2', linkName: `${'./'.repeat(20)}${at === 38 ? 'z' : `l${at + 1}`}` }))],
      many(1000, (at) => file(`l0/${at}`, { flag: '2', linkName: 'x' })),
    ],
    'names over and over in deep folders': [many(500, (at) => file(`${deep(250)}/${at}`, { form: 'pax' }))],
  };

  it.each(Object.entries(KINDS))('by %s is done with all the same', async (_, layers) => {
    const tars = layers.map((entries) => rawTar(entries));
    let [listed, unpacked]: [Outcome, Outcome] = ['nothing', 'nothing'];
    const taken = await cpuSeconds(async () => void ([listed, unpacked] = [await listedTree(tars), await unpackedTree(tars, folder)]));
    expect(typeof listed).toBe('object');
    expect(Object.keys(unpacked)).toHaveLength(Object.keys(withMountPoints(listed)).length);
    expect(taken).toBeLessThan(8);
  });

  it('by folders that no entry names is refused', async () => {
    const tar = rawTar(many(300, (at) => file(`${at}/${deep(120)}/f`, { form: 'pax' })));
    expect([await listedTree([tar]), await unpackedTree([tar], folder)]).toEqual(['ERR_LAYER_UNSAFE', 'ERR_LAYER_UNSAFE']);
  });
});
