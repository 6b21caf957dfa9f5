import { fail, type Digest } from '@pinlane/contracts';
import { createSha256, type ContentSource, type Descriptor } from '../content/index.ts';
import { tarBytes, UNPACK_LIMITS } from './tar-bytes.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

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
      readonly size: number;
      readonly sha256: Digest;
      /** Whether it has extended attributes. */
      readonly attributes?: true;
      /** The content of the files that name users and groups. */
      readonly text?: string;
    })
  | (Listed & { readonly type: 'directory' })
  | (Listed & { readonly type: 'special' })
  | (Listed & { readonly type: 'symlink'; readonly target: string })
  | (Listed & { readonly type: 'hardlink'; readonly target: string });

export interface LayerListing {
  readonly version: 1;
  readonly diffId: Digest;
  /** In the layer's order. */
  readonly entries: readonly ListedEntry[];
}

/** Files whose content is kept, up to a length in bytes. */
const TEXTS = new Set(['etc/passwd', 'etc/group']);
const LONGEST_TEXT = 1024 * 1024;

/** Linux's limit for paths and the targets of links (PATH_MAX). */
const LONGEST_PATH = 4096;

/** A name of a tar as a path below the root; undefined for the root itself. @throws ERR_LAYER_UNSAFE */
export const cleanTarPath = (name: string): string | undefined => {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return fail('ERR_LAYER_UNSAFE', `a layer has an entry that leaves the root: ${JSON.stringify(name.slice(0, 200))}`);
  if (name.length > LONGEST_PATH) fail('ERR_LAYER_UNSAFE', `a layer has a path of ${name.length} characters: ${name.slice(0, 100)}…`);
  return parts.length === 0 ? undefined : parts.join('/');
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

const listEntry = async (entry: TarEntry): Promise<ListedEntry | undefined> => {
  const path = cleanTarPath(entry.name);
  if (path === undefined) return undefined;
  const owned = { path, mode: entry.mode, uid: entry.uid, gid: entry.gid };
  if (entry.type === 'file') return { ...owned, type: 'file', ...(await readFile(entry, path)), ...(entry.attributes ? { attributes: true } : {}) };
  if (entry.linkName.length > LONGEST_PATH) return fail('ERR_LAYER_UNSAFE', `a layer has a link with a target of ${entry.linkName.length} characters: ${path}`);
  if (entry.type === 'symlink') return { ...owned, type: 'symlink', target: entry.linkName };
  if (entry.type === 'hardlink')
    return { ...owned, type: 'hardlink', target: cleanTarPath(entry.linkName) ?? fail('ERR_LAYER_UNSAFE', `a layer links ${path} to the root`) };
  return { ...owned, type: entry.type };
};

/**
 * Lists a layer in one pass over it, and proves that it unpacks to what its config says.
 * @throws ERR_LAYER_UNSAFE, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const listLayer = async (source: ContentSource, layer: Descriptor, diffId: Digest): Promise<LayerListing> => {
  const entries: ListedEntry[] = [];
  for await (const entry of readTar(tarBytes(source, layer, diffId, UNPACK_LIMITS))) {
    const listed = await listEntry(entry);
    if (listed) entries.push(listed);
  }
  return { version: 1, diffId, entries };
};
