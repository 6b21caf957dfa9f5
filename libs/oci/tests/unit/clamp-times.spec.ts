import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chunksOf, drain, problemsOf, runs } from '@pinlane/testing';
import { clampTimes } from '../../src/index.ts';
import { packTar, unpackTar, type TarItem } from '../support/building.ts';

const clamp = (tar: Uint8Array, epoch: number, pieces = 1000): Promise<Buffer> => drain(clampTimes(chunksOf(tar, pieces), epoch));

/** A tar of one entry after a pax header of these records. */
const withPax = async (records: readonly Buffer[], item: TarItem): Promise<Buffer> => {
  const body = Buffer.concat(records);
  const header = (await packTar([{ name: 'PaxHeader', content: body.toString('latin1') }])).subarray(0, 512);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('x', 156, 'latin1');
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512), await packTar([item])]);
};
const record = (key: string, value: Buffer | string): Buffer => {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
};

const date = (seconds: number): Date => new Date(seconds * 1000);

describe('A tar with clamped times', () => {
  it('has none after the epoch, keeps those before it, and is otherwise the same for another tar library', async () => {
    const items: TarItem[] = [
      { name: 'old', content: 'x', mtime: date(5) },
      { name: 'new', content: 'y'.repeat(1500), mtime: date(2_000_000_000) },
      { name: 'dir', type: 'directory', mtime: date(99) },
      { name: 'link', type: 'symlink', linkname: 'new', mtime: date(99) },
      { name: 'hard', type: 'link', linkname: 'new', mtime: date(99) },
      { name: '.wh.gone', content: '', mtime: date(99) },
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3, mtime: date(99) },
      { name: `${'d/'.repeat(150)}näme`, content: 'ü', mtime: date(99) },
    ];
    const tar = await packTar(items);
    const [before, after] = [await unpackTar(tar), await unpackTar(await clamp(tar, 10))];
    const timeless = (all: typeof before) => all.map(({ mtime: _mtime, pax: _pax, ...rest }) => rest);
    expect(timeless(after)).toEqual(timeless(before));
    expect(after.map(({ mtime }) => mtime!.getTime() / 1000)).toEqual([5, 10, 10, 10, 10, 10, 10, 10]);
  });

  it('says nothing of when a file was read, and keeps attributes byte for byte', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0x20, 0xff, 0xfe, 10, 0]);
    const item = { name: 'bin', content: 'x', mtime: date(99) };
    const attribute = record('SCHILY.xattr.security.capability', capability);
    const all = await withPax([record('mtime', '1700000000.123456789'), record('atime', '1'), attribute, record('ctime', '2')], item);
    const clamped = await clamp(all, 10);
    expect([clamped.includes(attribute), clamped.includes(record('mtime', '10'))]).toEqual([true, true]);
    expect(clamped.toString('latin1')).not.toMatch(/[ac]time=/);
    expect((await unpackTar(clamped)).map(({ mtime }) => mtime!.getTime())).toEqual([10_000]);
    // Nothing is left of a header that said nothing else.
    expect(await clamp(await withPax([record('atime', '1')], item), 10)).toHaveLength((await packTar([item])).length);
  });

  it('counts the size of a pax header, not of the entry’s own', async () => {
    const item = { name: 'large', content: 'z'.repeat(3000), mtime: date(99) };
    const tar = await withPax([record('size', '3000')], item);
    const at = tar.length - (await packTar([item])).length;
    tar.write('00000000000', at + 124, 'latin1');
    tar.write('        ', at + 148, 'latin1');
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
    expect((await unpackTar(await clamp(tar, 10))).map(({ content, mtime }) => [content.length, mtime!.getTime()])).toEqual([[3000, 10_000]]);
  });

  it('is the same in whatever pieces it comes, and however often it is clamped', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name: fc.stringMatching(/^[a-zü]{1,120}$/), content: fc.string(), mtime: fc.nat().map(date) }), { maxLength: 6 }),
        fc.nat(),
        fc.integer({ min: 1, max: 3000 }),
        async (items, epoch, pieces) => {
          const once = await clamp(await packTar(items), epoch, pieces);
          expect((await clamp(once, epoch)).equals(once)).toBe(true);
          expect((await unpackTar(once)).map(({ content, mtime }) => [content, mtime!.getTime() / 1000])).toEqual(
            items.map(({ content, mtime }) => [content, Math.min(mtime.getTime() / 1000, epoch)]),
          );
        },
      ),
      { numRuns: runs(50) },
    ));

  it.each([
    ['is cut off in an entry', (tar: Buffer) => tar.subarray(0, 700)],
    ['is cut off in a header', (tar: Buffer) => tar.subarray(0, 300)],
    ['is no tar', () => Buffer.from('nothing like it'.repeat(100))],
  ])('is refused where it %s', async (_title, broken) => {
    const tar = await packTar([{ name: 'a', content: 'x'.repeat(2000) }]);
    expect((await problemsOf(() => clamp(broken(tar), 0))).map(({ code }) => code)).toEqual(['ERR_LAYER_UNSAFE']);
  });
});
