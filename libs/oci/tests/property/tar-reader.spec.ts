import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import tar from 'tar-stream';
import { chunksOf, drain, layerOf, platformImage, runs, sourceOf, temporaryFolder } from '@pinlane/testing';
import { describe as describeBytes, listLayer, OCI_LAYER, readTar, sha256, unpackImage } from '../../src/index.ts';
import { sourceOfBytes } from '../support/images.ts';
import { rawTar, type RawEntry, type TarForm } from '../support/raw-tar.ts';

/** One entry, as either reader tells it. */
type Told = readonly [name: string, type: string, mode: number, owner: string, link: string, content: string];

// tar-stream's streams are not Node's own, and its types don't tell that they are iterable.
const collect = async (stream: unknown): Promise<string> => (await drain(stream as AsyncIterable<Uint8Array>)).toString('hex');

const OTHER_NAMES: Readonly<Record<string, string>> = { link: 'hardlink', 'character-device': 'special', 'block-device': 'special', fifo: 'special' };

const readByOther = async (bytes: Uint8Array): Promise<Told[]> => {
  // Its types don't know the option for the old form.
  const extract = (tar.extract as (options: object) => ReturnType<typeof tar.extract>)({ allowUnknownFormat: true });
  extract.end(bytes);
  const told: Told[] = [];
  for await (const entry of extract) {
    const { name, type, mode, uid, gid, linkname } = entry.header as Required<typeof entry.header>;
    const kind = type === null || type === 'contiguous-file' ? 'file' : (OTHER_NAMES[type] ?? type);
    const { pax } = entry.header as { pax?: Record<string, string> };
    told.push([name, kind, mode, `${pax?.['uid'] ?? uid}:${pax?.['gid'] ?? gid}`, linkname ?? '', await collect(entry)]);
  }
  return told;
};

const readByOurs = async (bytes: Uint8Array, pieces: number): Promise<Told[]> => {
  const told: Told[] = [];
  for await (const { name, type, mode, uid, gid, linkName, content } of readTar(chunksOf(bytes, pieces)))
    told.push([name, type, mode, `${uid}:${gid}`, linkName, await collect(content)]);
  return told;
};

const FORMS = ['v7', 'ustar', 'gnu', 'pax'] as const satisfies readonly TarForm[];
/** Forms that have a place for a long name. */
const LONG: ReadonlySet<TarForm> = new Set(['gnu', 'pax']);

const textUpTo = (bytes: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: bytes, size: 'max' })
    .map((text) => text.replace(/[\0\n]/g, '_').replace(/\/+$/, '') || 'x')
    .filter((text) => Buffer.byteLength(text) <= bytes && !/\p{Surrogate}/u.test(text));

/** An entry of any form and type, with what fits into it. */
const entry: fc.Arbitrary<RawEntry> = fc.constantFrom(...FORMS).chain((form) => {
  const name = textUpTo(LONG.has(form) ? 400 : 100);
  const largest = form === 'gnu' ? 2 ** 40 : form === 'pax' ? 2 ** 32 : 0o777777;
  const owner = fc.nat(largest);
  const common = {
    form: fc.constant(form),
    mode: fc.nat(0o7777),
    uid: owner,
    gid: owner,
    style: fc.constantFrom('zeroes' as const, 'blanks' as const, 'blank-ended' as const),
  };
  const prefix = form === 'ustar' ? fc.option(fc.stringMatching(/^[a-z]{1,150}$/), { nil: '' }) : fc.constant('');
  return fc.oneof(
    fc.record({ ...common, name, prefix, flag: fc.constantFrom('0', '\0', '7'), content: fc.uint8Array({ maxLength: 1500 }) }),
    fc.record({
      ...common,
      name: name.map((each) => `${each.slice(0, 90)}/`).filter((each) => LONG.has(form) || Buffer.byteLength(each) <= 100),
      flag: fc.constant('5'),
    }),
    fc.record({ ...common, name, prefix, flag: fc.constantFrom('1', '2'), linkName: name }),
    fc.record({ ...common, name, flag: fc.constantFrom('3', '4', '6') }),
  );
});

describe('A tar of any form', () => {
  it('is read as another library reads it', () =>
    fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), fc.integer({ min: 1, max: 2000 }), async (entries, pieces) => {
        const bytes = rawTar(entries);
        expect(await readByOurs(bytes, pieces)).toEqual(await readByOther(bytes));
      }),
      { numRuns: runs(200) },
    ));
});

/** What is at each path: a file by its hash, a link by its target, or a folder. */
type Found = Readonly<Record<string, string>>;

const listed = async (layer: Uint8Array): Promise<Found> => {
  const found: Record<string, string> = {};
  const { entries } = await listLayer(sourceOfBytes([layer]), describeBytes(OCI_LAYER, layer), sha256(layer));
  for (const each of entries)
    found[each.path] =
      each.type === 'file' ? each.sha256 : each.type === 'symlink' ? `-> ${each.target}` : each.type === 'hardlink' ? found[each.target]! : each.type;
  return found;
};

const walk = (root: string, folder = ''): Found => {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, folder))) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) Object.assign(found, { [path]: 'directory' }, walk(root, path));
    else found[path] = stat.isSymbolicLink() ? `-> ${readlinkSync(join(root, path))}` : sha256(readFileSync(join(root, path)));
  }
  return found;
};

describe('A layer', () => {
  let folder = '';
  beforeEach(() => void (folder = temporaryFolder('tar')));

  const unpacked = async (layer: Uint8Array): Promise<Found> => {
    const image = platformImage('amd64', [layerOf(layer)]);
    const { rootfs } = await unpackImage(sourceOf({ platforms: [image] }), image.descriptor.digest, {
      platform: 'linux/amd64',
      cacheDir: mkdtempSync(join(folder, 'cache-')),
    });
    return walk(rootfs);
  };

  it('is unpacked to the files that it is listed with', () => {
    const folders = ['artifacts', 'dev', 'proc', 'tmp', 'app'];
    const file = fc.record({ kind: fc.constant('file' as const), content: fc.uint8Array({ maxLength: 1200 }) });
    const link = fc.record({ kind: fc.constantFrom('symlink' as const, 'hardlink' as const), to: fc.nat(20) });
    const made = fc.tuple(fc.constantFrom(...FORMS), fc.constantFrom(...folders), fc.oneof(file, link), fc.nat(120));
    return fc.assert(
      fc.asyncProperty(fc.array(made, { maxLength: 10 }), async (list) => {
        const entries: RawEntry[] = folders.map((name, at) => ({ form: FORMS[at % FORMS.length]!, name: `${name}/`, flag: at === 0 ? '0' : '5', mode: 0o755 }));
        const files: string[] = [];
        for (const [at, [form, parent, what, length]] of list.entries()) {
          const name = `${parent}/${at}${'n'.repeat(LONG.has(form) ? length : length % 80)}`;
          const target = what.kind === 'file' ? undefined : files[what.to % files.length];
          if (what.kind === 'file') entries.push({ form, name, flag: '0', content: what.content });
          else if (what.kind === 'symlink') entries.push({ form, name, flag: '2', linkName: `../${at}` });
          else if (target !== undefined && Buffer.byteLength(target) <= 100) entries.push({ form, name, flag: '1', linkName: target });
          if (what.kind === 'file') files.push(name);
        }
        const layer = rawTar(entries);
        expect(await unpacked(layer)).toEqual(await listed(layer));
      }),
      { numRuns: runs(60) },
    );
  });
});
