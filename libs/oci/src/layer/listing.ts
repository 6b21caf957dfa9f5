import { fail, type Digest } from '@pinlane/contracts';
import { createSha256, sha256, type BlobSource, type Descriptor } from '../content/index.ts';
import { cleanPath } from './entry-name.ts';
import { readLayer, shown, whileIntact, type LayerItem } from './read-layer.ts';
import { tarBytes, UNPACK_LIMITS } from './tar-bytes.ts';
import { OPAQUE, WHITEOUT } from './whiteout.ts';
import type { TarEntry } from './tar-reader.ts';

/** Raised when layers are listed in another way than before. */
export const LISTING_VERSION = 2;

interface Listed {
  /** Relative to the root, without `.`, `..` and empty names. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** One entry of a layer, without its content. A whiteout is a file with a special name. */
export type ListedEntry =
  | (Listed & {
      readonly type: 'file';
      /** Which entry of the tar it is, from 0: the same path may come again. */
      readonly number: number;
      readonly size: number;
      readonly sha256: Digest;
      /** Whether it has extended attributes. */
      readonly attributes?: true;
      /** The content of the files that name users and groups. */
      readonly text?: string;
    })
  | (Listed & { readonly type: 'directory' })
  /** A pipe, or a device. */
  | (Listed & { readonly type: 'special' })
  | (Listed & { readonly type: 'symlink'; readonly target: string })
  | (Listed & { readonly type: 'hardlink'; readonly target: string });

export interface LayerListing {
  readonly version: typeof LISTING_VERSION;
  readonly diffId: Digest;
  /** In the layer's order. */
  readonly entries: readonly ListedEntry[];
}

/** Files whose content is kept, up to a length in bytes. */
const TEXTS = new Set(['etc/passwd', 'etc/group']);
const LONGEST_TEXT = 1024 * 1024;

/** A name of a tar that is not a layer as a path below its root; undefined for the root itself. @throws ERR_LAYER_UNSAFE */
export const cleanTarPath = (name: string): string | undefined => {
  const clean = cleanPath(name);
  return 'path' in clean ? clean.path : fail('ERR_LAYER_UNSAFE', `the entry ${shown(name)} ${clean.why}`);
};

const readFile = async (entry: TarEntry, path: string) => {
  const seen = createSha256();
  const kept: Uint8Array[] = [];
  const keep = TEXTS.has(path) && entry.size <= LONGEST_TEXT;
  for await (const chunk of entry.content) {
    seen.update(chunk);
    if (keep) kept.push(Buffer.from(chunk));
  }
  return { size: seen.size, sha256: seen.digest(), ...(keep ? { text: Buffer.concat(kept).toString('utf8') } : {}) };
};

/** Whatever a mark holds, it is its name that counts. */
const MARK = { type: 'file', size: 0, sha256: sha256('') } as const;

const whiteoutOf = (parts: readonly string[]): string => [...parts.slice(0, -1), `${WHITEOUT}${parts.at(-1)}`].join('/');

const listItem = async (item: LayerItem): Promise<ListedEntry> => {
  const { kind, entry, parts } = item;
  const path = parts.join('/');
  const owned = { path, mode: entry.mode, uid: entry.uid, gid: entry.gid };
  switch (kind) {
    case 'whiteout':
    case 'opaque':
      return { ...owned, ...MARK, number: entry.number, path: kind === 'opaque' ? [...parts, OPAQUE].join('/') : whiteoutOf(parts) };
    case 'file':
      return { ...owned, type: kind, number: entry.number, ...(await readFile(entry, path)), ...(entry.attributes ? { attributes: true } : {}) };
    case 'symlink':
      return { ...owned, type: kind, target: item.target };
    case 'hardlink':
      return { ...owned, type: kind, target: item.target.join('/') };
    case 'special':
      return { ...owned, type: kind };
    case 'directory':
      return { ...owned, type: kind };
  }
};

/**
 * Lists a layer in one pass over it, and proves that it unpacks to what its config says.
 * @throws ERR_LAYER_UNSAFE, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const listLayer = (source: BlobSource, layer: Descriptor, diffId: Digest): Promise<LayerListing> =>
  whileIntact(source, layer, async () => {
    const entries: ListedEntry[] = [];
    const tar = tarBytes(source, layer, diffId, UNPACK_LIMITS);
    for await (const item of readLayer(layer.digest, tar, UNPACK_LIMITS.entries)) entries.push(await listItem(item));
    return { version: LISTING_VERSION, diffId, entries };
  });
