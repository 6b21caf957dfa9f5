import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PinlaneError, type Digest } from '@pinlane/contracts';
import { pack, type Header } from 'tar-stream';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST, unpackImage, type ContentSource, type UnpackLimits } from '../../src/index.ts';
import { rawTar } from '../support/raw-tar.ts';

// Real processes and servers: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

type Entry = Partial<Header> & { readonly name: string; readonly content?: string };
type Packing = 'none' | 'gzip' | 'zstd';
interface Layer {
  readonly tar: Buffer;
  readonly packing?: Packing;
  /** In place of the blob that the tar is packed into. */
  readonly blob?: Buffer;
  readonly diffId?: Digest;
}

const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
const TYPES = { none: OCI_LAYER, gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD };
const PACK: Record<Packing, (tar: Buffer) => Buffer> = { none: (tar) => tar, gzip: (tar) => gzipSync(tar), zstd: (tar) => zstdCompressSync(tar) };

const tarOf = async (entries: readonly Entry[]): Promise<Buffer> => {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header as Header, content ?? '');
  archive.finalize();
  return buffer(archive);
};

/** An image in memory. `opened` lists the blobs that were read. */
const imageOf = (layers: readonly Layer[]): { source: ContentSource; digest: Digest; opened: Digest[] } => {
  const blobs = new Map<Digest, Buffer>();
  const add = (bytes: Buffer): { digest: Digest; size: number } => {
    blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const descriptors = layers.map(({ tar, packing = 'gzip', blob }) => ({ mediaType: TYPES[packing], ...add(blob ?? PACK[packing](tar)) }));
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar, diffId }) => diffId ?? digestOf(tar)) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, ...add(Buffer.from(JSON.stringify(config))) },
    layers: descriptors,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const opened: Digest[] = [];
  const source: ContentSource = {
    readManifest: async () => ({ descriptor: { mediaType: OCI_MANIFEST, digest, size: bytes.length }, bytes }),
    openBlob: async function* (blob) {
      opened.push(blob.digest);
      const found = blobs.get(blob.digest) as Buffer;
      for (let at = 0; at < found.length; at += 1000) yield found.subarray(at, at + 1000);
    },
  };
  return { source, digest, opened };
};

describe('unpacking an image', () => {
  let folder = '';
  beforeEach(() => {
    folder = temporaryFolder('unpack');
    writeFileSync(join(folder, 'outside.txt'), 'untouched');
  });

  const cacheDir = (): string => join(folder, 'cache');
  const unpackLayers = async (layers: readonly Layer[], limits?: Partial<UnpackLimits>): Promise<string> => {
    const { source, digest } = imageOf(layers);
    return (await unpackImage(source, digest, { platform: 'linux/amd64', cacheDir: cacheDir(), ...(limits === undefined ? {} : { limits }) })).rootfs;
  };
  const unpack = async (...layers: readonly (readonly Entry[])[]): Promise<string> =>
    unpackLayers(await Promise.all(layers.map(async (entries) => ({ tar: await tarOf(entries) }))));

  /** Nothing that could be taken for a finished tree is left, and nothing outside of the cache was touched. */
  const expectRefusal = async (work: Promise<unknown>, code: string, ...words: readonly (string | RegExp)[]): Promise<void> => {
    const error = await errorOf(() => work);
    expect(error.code).toBe(code);
    for (const word of words) expect(error.message).toMatch(word);
    expect(existsSync(cacheDir()) ? readdirSync(cacheDir()) : []).toEqual([]);
    expect(readdirSync(folder).filter((name) => name !== 'cache')).toEqual(['outside.txt']);
    expect(readFileSync(join(folder, 'outside.txt'), 'utf8')).toBe('untouched');
  };

  it.each(['none', 'gzip', 'zstd'] as const)('puts files, folders and links in place from a layer packed with %s', async (packing) => {
    const tar = await tarOf([
      { name: 'usr/bin/', type: 'directory', mode: 0o755 },
      { name: 'usr/bin/tool', content: 'run me', mode: 0o755 },
      { name: 'usr/bin/alias', type: 'symlink', linkname: 'tool' },
      { name: 'usr/bin/twin', type: 'link', linkname: 'usr/bin/tool' },
      { name: './made/on/the/way.txt', content: 'x'.repeat(70_000), mode: 0o640 },
      { name: `long/${'n'.repeat(120)}/${'ü'.repeat(100)}.txt`, content: 'far' },
    ]);
    const root = await unpackLayers([{ tar, packing }]);
    expect(readFileSync(join(root, 'usr/bin/tool'), 'utf8')).toBe('run me');
    expect(statSync(join(root, 'usr/bin/tool')).mode & 0o7777).toBe(0o755);
    expect(readlinkSync(join(root, 'usr/bin/alias'))).toBe('tool');
    expect(statSync(join(root, 'usr/bin/twin')).ino).toBe(statSync(join(root, 'usr/bin/tool')).ino);
    expect(readFileSync(join(root, 'made/on/the/way.txt'), 'utf8')).toHaveLength(70_000);
    expect(statSync(join(root, 'made/on/the/way.txt')).mode & 0o7777).toBe(0o640);
    expect(readFileSync(join(root, `long/${'n'.repeat(120)}/${'ü'.repeat(100)}.txt`), 'utf8')).toBe('far');
  });

  it.each(['gzip', 'zstd'] as const)('reads a layer of %s to the end of its last part', async (packing) => {
    const tar = await tarOf([
      { name: 'first', content: 'x'.repeat(100_000) },
      { name: 'last', content: 'end' },
    ]);
    const skipped = packing === 'zstd' ? Buffer.from('5a2a4d1803000000616263', 'hex') : Buffer.alloc(0);
    const parts = [tar.subarray(0, 512), tar.subarray(512, 90_000), tar.subarray(90_000)].flatMap((part) => [skipped, PACK[packing](part), skipped]);
    const root = await unpackLayers([{ tar, packing, blob: Buffer.concat(parts) }]);
    expect(readFileSync(join(root, 'last'), 'utf8')).toBe('end');
  });

  it('makes the folders over which a runtime mounts', async () => {
    const root = await unpack([{ name: 'tmp/', type: 'directory', mode: 0o1777 }]);
    expect(readdirSync(root).sort()).toEqual(['artifacts', 'dev', 'proc', 'tmp']);
  });

  it('puts an empty file for a pipe, in the place of what was there', async () => {
    const root = await unpack(
      [
        { name: 'run/pipe', content: 'a file before' },
        { name: 'run/other', content: 'x' },
      ],
      [{ name: 'run/pipe', type: 'fifo' }],
    );
    expect(readdirSync(join(root, 'run'))).toEqual(['other', 'pipe']);
    expect(readFileSync(join(root, 'run/pipe'), 'utf8')).toBe('');
  });

  it('refuses an image in which such a folder is a link', async () => {
    await expectRefusal(unpack([{ name: 'proc', type: 'symlink', linkname: '/' }]), 'ERR_LAYER_UNSAFE', '/proc is not a folder');
  });

  it('drops setuid and setgid bits, and keeps every folder writable for its owner', async () => {
    const root = await unpack([
      { name: 'su', content: '', mode: 0o7755 },
      { name: 'shut/', type: 'directory', mode: 0o6000 },
      { name: 'shut/in.txt', content: 'in' },
    ]);
    expect(statSync(join(root, 'su')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(root, 'shut')).mode & 0o7777).toBe(0o700);
    expect(readFileSync(join(root, 'shut/in.txt'), 'utf8')).toBe('in');
  });

  it('keeps the sticky bit of a folder that all may write to, whatever the umask, also where the base is shared', async () => {
    const umask = process.umask(0o077);
    try {
      const base: Entry[] = [
        { name: 'tmp/', type: 'directory', mode: 0o1777 },
        { name: 'large', content: randomBytes(5 * 2 ** 20).toString('base64') },
      ];
      const root = await unpack(base, [{ name: 'app.js', content: 'app' }]);
      expect(statSync(join(root, 'tmp')).mode & 0o7777).toBe(0o1777);
      expect(statSync(join(root, 'large')).nlink).toBe(2);
    } finally {
      process.umask(umask);
    }
  });

  describe('with several layers', () => {
    const lower: readonly Entry[] = [
      { name: 'etc/keep', content: 'keep' },
      { name: 'etc/gone', content: 'gone' },
      { name: 'etc/replaced', content: 'old' },
      { name: 'dir/a', content: 'a' },
      { name: 'dir/deep/b', content: 'b' },
      { name: 'was-folder/x', content: 'x' },
      { name: 'was-file', content: 'x' },
    ];

    it('takes away what a whiteout names and replaces what comes again', async () => {
      const root = await unpack(lower, [
        { name: 'etc/.wh.gone', content: '' },
        { name: 'etc/replaced', content: 'new' },
        { name: '.wh.dir', content: '' },
        { name: 'was-folder', content: 'a file now' },
        { name: 'was-file/', type: 'directory' },
        { name: 'was-file/y', content: 'y' },
      ]);
      expect(readdirSync(join(root, 'etc')).sort()).toEqual(['keep', 'replaced']);
      expect(readFileSync(join(root, 'etc/replaced'), 'utf8')).toBe('new');
      expect(existsSync(join(root, 'dir'))).toBe(false);
      expect(readFileSync(join(root, 'was-folder'), 'utf8')).toBe('a file now');
      expect(readFileSync(join(root, 'was-file/y'), 'utf8')).toBe('y');
    });

    it.each(['first', 'last'])('empties an opaque folder of what lower layers put there, even where the mark comes %s', async (order) => {
      const mark: Entry = { name: 'dir/.wh..wh..opq', content: '' };
      const own: Entry = { name: 'dir/deep/own', content: 'own' };
      const root = await unpack(lower, order === 'first' ? [mark, own] : [own, mark]);
      expect(readdirSync(join(root, 'dir'))).toEqual(['deep']);
      expect(readdirSync(join(root, 'dir/deep'))).toEqual(['own']);
    });

    it('lets a whiteout spare what its own layer put there', async () => {
      const root = await unpack(lower, [
        { name: 'etc/gone', content: 'back again' },
        { name: 'etc/.wh.gone', content: '' },
      ]);
      expect(readFileSync(join(root, 'etc/gone'), 'utf8')).toBe('back again');
    });

    it('follows links of lower layers as a process inside would', async () => {
      const root = await unpack(
        [
          { name: 'usr/lib/', type: 'directory' },
          { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
          { name: 'abs', type: 'symlink', linkname: '/usr/lib' },
          { name: 'up', type: 'symlink', linkname: '../../../../usr/lib' },
        ],
        [
          { name: 'lib/one', content: '1' },
          { name: 'abs/two', content: '2' },
          { name: 'up/three', content: '3' },
        ],
      );
      expect(readdirSync(join(root, 'usr/lib')).sort()).toEqual(['one', 'three', 'two']);
      expect(lstatSync(join(root, 'lib')).isSymbolicLink()).toBe(true);
    });
  });

  describe('refuses', () => {
    const cases: readonly [string, readonly Entry[], string | RegExp][] = [
      ['a name that leaves the root', [{ name: '../outside.txt', content: 'bad' }], 'leaves the root'],
      ['a name that leaves the root further in', [{ name: 'a/b/../../../outside.txt', content: 'bad' }], 'leaves the root'],
      ['an absolute name that leaves the root', [{ name: '/../outside.txt', content: 'bad' }], 'leaves the root'],
      ['a hard link out of the root', [{ name: 'hard', type: 'link', linkname: '../outside.txt' }], 'hard link'],
      ['a hard link to an absolute name that is not there', [{ name: 'hard', type: 'link', linkname: '/etc/passwd' }], 'not there'],
      ['a hard link to nothing', [{ name: 'hard', type: 'link', linkname: 'nowhere' }], 'not there'],
      [
        'a hard link to a folder',
        [
          { name: 'd/', type: 'directory' },
          { name: 'hard', type: 'link', linkname: 'd' },
        ],
        'folder',
      ],
      ['a whiteout of the parent', [{ name: 'a/.wh...', content: '' }], 'whiteout of nothing'],
      ['an entry inside of a whiteout', [{ name: '.wh.a/b', content: '' }], 'inside of a whiteout'],
      [
        'an entry below a file',
        [
          { name: 'file', content: '' },
          { name: 'file/below', content: '' },
        ],
        'below file',
      ],
      [
        'links that go in a circle',
        [
          { name: 'a', type: 'symlink', linkname: 'b' },
          { name: 'b', type: 'symlink', linkname: 'a' },
          { name: 'a/x', content: '' },
        ],
        'links',
      ],
      ['a name longer than the file system bears', [{ name: 'n'.repeat(300), content: '' }], 'ENAMETOOLONG'],
      ['a root that is a link', [{ name: './', type: 'symlink', linkname: '/' }], 'in place of the root'],
    ];
    it.each(cases)('%s, naming layer and entry, and leaves nothing', async (_, entries, why) => {
      await expectRefusal(unpack(entries), 'ERR_LAYER_UNSAFE', why, /layer sha256:[a-f0-9]{64}/, JSON.stringify((entries.at(-1) as Entry).name).slice(0, 50));
    });

    it('to write through a link that leads out of the root, in every shape', async () => {
      const target = join(folder, 'outside.txt');
      const root = await unpack([
        { name: 'direct', type: 'symlink', linkname: target },
        { name: 'direct', content: 'replaces the link' },
        { name: 'parent', type: 'symlink', linkname: folder },
        { name: 'parent/outside.txt', content: 'stays inside' },
        { name: 'relative', type: 'symlink', linkname: '../..' },
        { name: 'relative/outside.txt', content: 'stays inside too' },
      ]);
      expect(readFileSync(target, 'utf8')).toBe('untouched');
      expect(lstatSync(join(root, 'direct')).isFile()).toBe(true);
      expect(readFileSync(join(root, target), 'utf8')).toBe('stays inside');
      expect(readFileSync(join(root, 'outside.txt'), 'utf8')).toBe('stays inside too');
    });

    it('to remove through a link that leads out of the root', async () => {
      const root = await unpack(
        [{ name: 'way', type: 'symlink', linkname: folder }],
        [{ name: 'way/.wh.outside.txt', content: '' }],
        [{ name: 'way/.wh..wh..opq', content: '' }],
      );
      expect(readFileSync(join(folder, 'outside.txt'), 'utf8')).toBe('untouched');
      expect(lstatSync(join(root, 'way')).isSymbolicLink()).toBe(true);
    });

    it('a layer that grows beyond the absolute limit', async () => {
      const tar = await tarOf([{ name: 'zeros', content: '\0'.repeat(3_000_000) }]);
      await expectRefusal(unpackLayers([{ tar }], { layerBytes: 1_000_000 }), 'ERR_LAYER_UNSAFE', 'more than 1000000 bytes');
    });

    it('a layer that grows far beyond the size of its blob', async () => {
      const tar = await tarOf([{ name: 'zeros', content: '\0'.repeat(3_000_000) }]);
      await expectRefusal(unpackLayers([{ tar }], { ratio: 100, ratioFromBytes: 100_000 }), 'ERR_LAYER_UNSAFE', 'more than 100 times');
    });

    it('a layer with too many entries', async () => {
      const tar = await tarOf(Array.from({ length: 20 }, (_, index) => ({ name: `f${index}`, content: '' })));
      await expectRefusal(unpackLayers([{ tar }], { entries: 10 }), 'ERR_LAYER_UNSAFE', 'more than 10 entries');
    });

    it('a tar that is not the one the config names', async () => {
      const tar = await tarOf([{ name: 'a', content: 'a' }]);
      await expectRefusal(unpackLayers([{ tar, diffId: digestOf(Buffer.from('other')) }]), 'ERR_DIGEST_MISMATCH', 'config says');
    });

    it('a blob that is not packed as its media type says', async () => {
      const tar = await tarOf([{ name: 'a', content: 'a' }]);
      await expectRefusal(unpackLayers([{ tar, blob: tar }]), 'ERR_MANIFEST_INVALID', 'not what its media type');
    });

    it('a packed blob of a store that was altered, by the name of the blob', async () => {
      const tar = await tarOf([{ name: 'a', content: 'a' }]);
      const layer = digestOf(gzipSync(tar));
      const { source, digest } = imageOf([{ tar }]);
      const altered: ContentSource = {
        ...source,
        async *openBlob(blob) {
          if (blob.digest !== layer) return yield* source.openBlob(blob);
          for await (const chunk of source.openBlob(blob)) yield Buffer.from(chunk).fill(0);
          throw new PinlaneError({ code: 'ERR_STORE_CORRUPT', message: `blob ${blob.digest} was altered` });
        },
      };
      await expectRefusal(
        unpackImage(altered, digest, { platform: 'linux/amd64', cacheDir: cacheDir() }),
        'ERR_STORE_CORRUPT',
        /blob sha256:[a-f0-9]{64} was altered/,
      );
    });

    it('a blob that is cut off', async () => {
      const tar = await tarOf([{ name: 'a', content: 'a'.repeat(10_000) }]);
      await expectRefusal(unpackLayers([{ tar, blob: gzipSync(tar).subarray(0, -20) }]), 'ERR_MANIFEST_INVALID');
    });

    it('several broken layers, by the name of the lowest, though others are read ahead', async () => {
      const tars = await Promise.all(['a', 'b', 'c'].map((name) => tarOf([{ name, content: name }])));
      const blobs = tars.map((tar) => gzipSync(tar).subarray(0, -20));
      const lowest = digestOf(blobs[1] as Buffer);
      const layers = tars.map((tar, at) => (at === 0 ? { tar } : { tar, blob: blobs[at] as Buffer }));
      await expectRefusal(unpackLayers(layers), 'ERR_MANIFEST_INVALID', lowest);
    });

    it('what is no tar at all', async () => {
      const tar = Buffer.alloc(4096, 'not a tar ');
      await expectRefusal(unpackLayers([{ tar }]), 'ERR_MANIFEST_INVALID', 'not a tar archive');
    });

    it('an entry that is cut off', async () => {
      const whole = await tarOf([{ name: 'a', content: 'a'.repeat(10_000) }]);
      await expectRefusal(unpackLayers([{ tar: whole.subarray(0, 5000) }]), 'ERR_MANIFEST_INVALID', 'not a tar archive');
    });
  });

  describe('reads a tar as it is listed', () => {
    it('in the old form, with folders by their slash, and with a type that nobody knows as a file', async () => {
      const tar = rawTar([
        { form: 'v7', name: 'old/', flag: '\0', mode: 0o755 },
        { form: 'v7', name: 'old/file', flag: '\0', content: Buffer.from('x') },
        { form: 'ustar', name: 'other', flag: 'Z', content: Buffer.from('y') },
      ]);
      const root = await unpackLayers([{ tar }]);
      expect(readFileSync(join(root, 'old/file'), 'utf8')).toBe('x');
      expect(readFileSync(join(root, 'other'), 'utf8')).toBe('y');
    });

    it('and refuses a sparse file, of which the tar holds only parts, by the name of the layer', async () => {
      const tar = rawTar([{ form: 'gnu', name: 'sparse', flag: 'S', content: Buffer.from('part') }]);
      await expectRefusal(unpackLayers([{ tar }]), 'ERR_LAYER_UNSAFE', /layer sha256:[a-f0-9]{64} has a sparse file/);
    });

    it('and refuses a link to nothing', async () => {
      await expectRefusal(unpackLayers([{ tar: rawTar([{ form: 'ustar', name: 'link', flag: '2' }]) }]), 'ERR_LAYER_UNSAFE', 'link to nothing');
    });
  });

  describe('keeps trees', () => {
    // As large as a layer must be to count as a base.
    const big = (): string => randomBytes(4 * 2 ** 20).toString('base64');

    it('and unpacks nothing the second time', async () => {
      const { source, digest, opened } = imageOf([{ tar: await tarOf([{ name: 'a', content: 'a' }]) }]);
      const options = { platform: 'linux/amd64', cacheDir: cacheDir() } as const;
      const first = await unpackImage(source, digest, options);
      const count = opened.length;
      const second = await unpackImage(source, digest, options);
      expect(second.rootfs).toBe(first.rootfs);
      // The config alone is read again.
      expect(opened.length - count).toBe(1);
    });

    it("and shares the base's files between apps, which can't change each other's", async () => {
      const base: Layer = {
        tar: await tarOf([
          { name: 'lib/base.so', content: big() },
          { name: 'lib/conf', content: 'base' },
        ]),
      };
      const one = imageOf([base, { tar: await tarOf([{ name: 'app/main.js', content: 'one' }]) }]);
      const two = imageOf([
        base,
        {
          tar: await tarOf([
            { name: 'app/main.js', content: 'two' },
            { name: 'lib/conf', content: 'changed', mode: 0o600 },
          ]),
        },
      ]);
      const options = { platform: 'linux/amd64', cacheDir: cacheDir() } as const;
      const first = (await unpackImage(one.source, one.digest, options)).rootfs;
      const second = (await unpackImage(two.source, two.digest, options)).rootfs;
      expect(statSync(join(first, 'lib/base.so')).ino).toBe(statSync(join(second, 'lib/base.so')).ino);
      expect(two.opened).not.toContain(one.opened.find((digest) => digest === digestOf(gzipSync(base.tar))));
      expect(readFileSync(join(first, 'lib/conf'), 'utf8')).toBe('base');
      expect(statSync(join(first, 'lib/conf')).mode & 0o777).toBe(0o644);
      expect(readFileSync(join(second, 'lib/conf'), 'utf8')).toBe('changed');
    });

    it('and lets several unpack the same image at once', async () => {
      const { source, digest } = imageOf([{ tar: await tarOf([{ name: 'a', content: big() }]) }, { tar: await tarOf([{ name: 'b', content: 'b' }]) }]);
      const all = await Promise.all(Array.from({ length: 4 }, () => unpackImage(source, digest, { platform: 'linux/amd64', cacheDir: cacheDir() })));
      expect(new Set(all.map(({ rootfs }) => rootfs)).size).toBe(1);
      expect(readFileSync(join(all[0]?.rootfs as string, 'b'), 'utf8')).toBe('b');
      expect(readdirSync(cacheDir()).filter((name) => name.startsWith('.'))).toEqual([]);
    });

    it('and never takes what a crashed process left for finished', async () => {
      mkdirSync(join(cacheDir(), '.tmp-left/etc'), { recursive: true });
      chmodSync(join(cacheDir(), '.tmp-left'), 0o755);
      const root = await unpack([{ name: 'a', content: 'whole' }]);
      expect(readFileSync(join(root, 'a'), 'utf8')).toBe('whole');
      expect(root).not.toContain('.tmp-left');
    });
  });
});
