import type { Digest } from '@pinlane/contracts';
import { createSha256, sha256, type ContentSource, type Descriptor } from '../content/index.ts';
import { encodeName } from './names.ts';
import { readLayer, whileIntact, type LayerItem } from './read-layer.ts';
import { tarBytes, UNPACK_LIMITS } from './tar-bytes.ts';
import { text } from './tar-fields.ts';
import { OPAQUE } from './whiteout.ts';
import type { TarEntry } from './tar-reader.ts';

/** One entry of a layer with all that its headers say, each by a name for people. Equal facts are equal entries. */
export interface InventoryEntry {
  /** Relative to the root, without `.`, `..` and empty names. What a whiteout takes away has the path of what it takes. */
  readonly path: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** Records of pax that are told under a name of their own, or whose value the path is (pax, "Extended Header"). */
const TOLD = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'uname', 'gname']);

/** Up to so many characters a record is told as it is; of a longer one its hash. */
const LONGEST_VALUE = 100;

/** A time in seconds since 1970, as decimal digits; what is no number, as it stands there. */
const timeOf = ({ header, announced }: TarEntry['written']): string => {
  const record = announced.record('mtime');
  if (record !== undefined) return record;
  const field = header.subarray(136, 148);
  const [, digits] = /^[\0 ]*([0-7]+)[\0 ]*$/.exec(field.toString('latin1')) ?? [];
  return digits === undefined ? field.toString('hex') : String(Number.parseInt(digits, 8));
};

const recordsOf = ({ announced }: TarEntry['written']): [string, string][] =>
  announced.keys
    .filter((key) => !TOLD.has(key))
    .map((key) => {
      const value = announced.record(key) ?? '';
      return [`record ${key}`, value.length > LONGEST_VALUE ? sha256(encodeName(value)) : value];
    });

const contentOf = async ({ content }: TarEntry): Promise<string> => {
  const seen = createSha256();
  for await (const chunk of content) seen.update(chunk);
  return `${seen.size} bytes, ${seen.digest()}`;
};

const TYPES = {
  directory: 'folder',
  file: 'file',
  special: 'device or pipe',
  symlink: 'symbolic link',
  hardlink: 'hard link',
  whiteout: 'whiteout',
  opaque: 'whiteout of all in a folder',
} as const satisfies Record<LayerItem['kind'], string>;

const inventoried = async (item: LayerItem): Promise<InventoryEntry> => {
  const { kind, entry, parts } = item;
  const { header, announced } = entry.written;
  const facts = {
    type: TYPES[kind],
    mode: `0${entry.mode.toString(8)}`,
    owner: `${entry.uid}:${entry.gid}`,
    'names of the owner': `${announced.record('uname') ?? text(header, 265, 32)}:${announced.record('gname') ?? text(header, 297, 32)}`,
    time: timeOf(entry.written),
    ...('target' in item ? { target: typeof item.target === 'string' ? item.target : item.target.join('/') } : {}),
    ...(kind === 'special' ? { device: `type ${entry.flag}, ${header.toString('hex', 329, 345)}` } : {}),
    ...Object.fromEntries(recordsOf(entry.written)),
    ...(kind === 'file' || kind === 'whiteout' || kind === 'opaque' ? { content: await contentOf(entry) } : {}),
  };
  return { path: (kind === 'opaque' ? [...parts, OPAQUE] : parts).join('/'), facts };
};

async function* entriesOf(source: ContentSource, layer: Descriptor, diffId: Digest): AsyncGenerator<InventoryEntry, void, void> {
  const tar = tarBytes(source, layer, diffId, UNPACK_LIMITS);
  for await (const item of readLayer(layer.digest, tar, UNPACK_LIMITS.entries)) yield inventoried(item);
}

/**
 * Goes over a layer's entries in their order, with all that is written about each, and proves that the layer unpacks to what its config says. Memory holds one entry.
 * @throws as `listLayer`
 */
export const readInventory = (source: ContentSource, layer: Descriptor, diffId: Digest, see: (entry: InventoryEntry) => void): Promise<void> =>
  whileIntact(source, layer, async () => {
    for await (const entry of entriesOf(source, layer, diffId)) see(entry);
  });
