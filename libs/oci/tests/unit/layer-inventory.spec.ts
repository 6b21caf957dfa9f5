import { describe, expect, it } from '@jest/globals';
import { codeOf, layerOf } from '@pinlane/testing';
import { readInventory, sha256, type InventoryEntry } from '../../src/index.ts';
import { sourceOfBytes } from '../support/images.ts';
import { rawTar, seal, type RawEntry } from '../support/raw-tar.ts';

const inventoryOf = async (tar: Uint8Array): Promise<InventoryEntry[]> => {
  const { descriptor, bytes, diffId } = layerOf(tar, { gzip: true });
  const entries: InventoryEntry[] = [];
  await readInventory(sourceOfBytes([bytes]), descriptor, diffId, (entry) => entries.push(entry));
  return entries;
};

const FILE: RawEntry = { form: 'ustar', name: 'a', flag: '0', content: Buffer.from('x') };

const factsOf = async (entry: RawEntry, change: (header: Buffer) => void = () => undefined): Promise<Record<string, string>> => {
  const tar = Buffer.from(rawTar([entry]));
  const at = entry.records === undefined ? 0 : 1024;
  change(tar.subarray(at, at + 512));
  return { ...(await inventoryOf(seal(tar, at)))[0]!.facts };
};

describe('the inventory of a layer', () => {
  it('tells all that is written about an entry', async () => {
    const plain = await factsOf(FILE);
    expect(plain).toMatchObject({ type: 'file', mode: '0644', owner: '0:0', time: '0', content: `1 bytes, ${sha256('x')}` });
    const number = (at: number, text: string) => (header: Buffer) => void header.write(text, at, 'latin1');
    const others: readonly [string, RawEntry, ((header: Buffer) => void)?][] = [
      ['content', { ...FILE, content: Buffer.from('y') }],
      ['content', { ...FILE, content: Buffer.from('xx') }],
      ['mode', { ...FILE, mode: 0o4755 }],
      ['owner', { ...FILE, uid: 7 }],
      ['owner', { ...FILE, gid: 7 }],
      ['time', FILE, number(136, '00000000017\0')],
      // No number at all is told as it stands there, and refuses nothing.
      ['time', FILE, number(136, 'not a time!\0')],
      ['time', { ...FILE, form: 'pax', records: { mtime: '1.5' } }],
      ['names of the owner', FILE, number(265, 'root\0')],
      ['names of the owner', FILE, number(297, 'wheel\0')],
      ['record SCHILY.xattr.user.x', { ...FILE, form: 'pax', records: { 'SCHILY.xattr.user.x': 'value' } }],
      ['record SCHILY.xattr.user.x', { ...FILE, form: 'pax', records: { 'SCHILY.xattr.user.x': 'v'.repeat(1000) } }],
      ['record comment', { ...FILE, form: 'pax', records: { comment: 'z' } }],
    ];
    for (const [fact, entry, change] of others) {
      const facts = await factsOf(entry, change);
      expect([fact, Object.keys({ ...facts, ...plain }).filter((name) => facts[name] !== plain[name])]).toEqual([fact, [fact]]);
      for (const value of Object.values(facts)) expect(value.length).toBeLessThan(120);
    }
  });

  it('has every kind of entry, in the order of the tar', async () => {
    const entries = await inventoryOf(
      rawTar([
        { ...FILE, name: 'd/', flag: '5', content: undefined as never },
        FILE,
        { form: 'ustar', name: 's', flag: '2', linkName: '/x' },
        { form: 'ustar', name: 'h', flag: '1', linkName: 'a' },
        { form: 'ustar', name: 'p', flag: '6' },
        { form: 'ustar', name: 'c', flag: '3' },
        { form: 'ustar', name: 'd/.wh.gone', flag: '0' },
        { form: 'ustar', name: 'd/.wh..wh..opq', flag: '0' },
        FILE,
      ]),
    );
    expect(entries.map(({ path, facts }) => [path, facts['type'], facts['target'], facts['device']?.slice(0, 6)])).toEqual([
      ['d', 'folder', undefined, undefined],
      ['a', 'file', undefined, undefined],
      ['s', 'symbolic link', '/x', undefined],
      ['h', 'hard link', 'a', undefined],
      ['p', 'device or pipe', undefined, 'type 6'],
      ['c', 'device or pipe', undefined, 'type 3'],
      ['d/gone', 'whiteout', undefined, undefined],
      ['d/.wh..wh..opq', 'whiteout of all in a folder', undefined, undefined],
      ['a', 'file', undefined, undefined],
    ]);
  });

  it('is refused for what no reader of layers takes, and for a layer that is another than its config says', async () => {
    expect(await codeOf(() => inventoryOf(rawTar([{ ...FILE, name: '../a' }])))).toBe('ERR_LAYER_UNSAFE');
    expect(await codeOf(() => inventoryOf(Buffer.alloc(600, 1)))).toBe('ERR_MANIFEST_INVALID');
    const { descriptor, bytes } = layerOf(rawTar([FILE]));
    expect(await codeOf(() => readInventory(sourceOfBytes([bytes]), descriptor, sha256('other'), () => undefined))).toBe('ERR_DIGEST_MISMATCH');
  });
});
