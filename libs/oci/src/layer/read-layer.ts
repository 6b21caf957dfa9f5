import { fail, isPinlaneError, type Digest } from '@pinlane/contracts';
import type { BlobSource, Descriptor } from '../content/index.ts';
import { parseEntryName } from './entry-name.ts';
import { nameLength } from './names.ts';
import { TarError } from './tar-fields.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** What an entry of a layer asks for. Names of a path are below the root, and none is `.`, `..` or empty. */
export type LayerItem =
  | { readonly kind: 'directory' | 'file' | 'special'; readonly parts: readonly string[]; readonly entry: TarEntry }
  | { readonly kind: 'symlink'; readonly parts: readonly string[]; readonly entry: TarEntry; readonly target: string }
  | { readonly kind: 'hardlink'; readonly parts: readonly string[]; readonly entry: TarEntry; readonly target: readonly string[] }
  /** Takes away what lower layers have at a path (`whiteout`) or in a folder (`opaque`). */
  | { readonly kind: 'whiteout' | 'opaque'; readonly parts: readonly string[]; readonly entry: TarEntry };

/** Why an entry can't be part of an image; completes a sentence about it. */
export class EntryError extends Error {}

/** @throws EntryError */
export const refuseEntry = (why: string): never => {
  throw new EntryError(why);
};

/** An entry's name in a message. */
export const shown = (name: string): string => JSON.stringify(name.slice(0, 200));

/** Linux's limit for the target of a symbolic link, in bytes. */
const LONGEST_TARGET = 4095;
/** Devices and pipes. A type that is in no standard counts as a file (pax, "ustar Interchange Format"). */
const SPECIAL = '346';

/** What a symbolic link says. @throws EntryError if that is nothing, or no path */
export const linkTarget = (linkName: string): string => {
  if (linkName === '') refuseEntry('is a link to nothing');
  if (linkName.includes('\0') || nameLength(linkName) > LONGEST_TARGET) refuseEntry('is a link to what is no path');
  return linkName;
};

const hardLinkTarget = (linkName: string): readonly string[] => {
  const target = parseEntryName(linkName);
  if (target.kind === 'root') return refuseEntry('is a hard link to the root, which is a folder');
  if (target.kind !== 'path') return refuseEntry(`is a hard link to ${shown(linkName)}, which is not a file of the image`);
  return target.parts;
};

/** What one entry asks for; undefined for the root itself and for what is part of no image. @throws EntryError */
const itemOf = (entry: TarEntry): LayerItem | undefined => {
  const { name, type, flag, linkName } = entry;
  const parsed = parseEntryName(name);
  if (parsed.kind === 'unsafe') return refuseEntry(parsed.why);
  if (parsed.kind === 'ignored') return undefined;
  if (parsed.kind === 'root') return type === 'directory' ? undefined : refuseEntry('stands in place of the root');
  const { kind, parts } = parsed;
  if (kind !== 'path') return { kind, parts, entry };
  if (type === 'symlink') return { kind: type, parts, entry, target: linkTarget(linkName) };
  if (type === 'hardlink') return { kind: type, parts, entry, target: hardLinkTarget(linkName) };
  return { kind: type === 'special' && !SPECIAL.includes(flag) ? 'file' : type, parts, entry };
};

/** Runs a step for an entry; what the entry itself is to blame for is told with its name. @throws ERR_LAYER_UNSAFE */
export const forEntry = <T>(layer: Digest, { name }: TarEntry, step: () => T): T => {
  try {
    return step();
  } catch (error) {
    if (error instanceof EntryError) return fail('ERR_LAYER_UNSAFE', `layer ${layer}: the entry ${shown(name)} ${error.message}`);
    throw error;
  }
};

/** Tells which layer it is whose tar is refused. */
const refuseTar = (layer: Digest, cause: TarError): never =>
  cause.malformed
    ? fail('ERR_MANIFEST_INVALID', `layer ${layer} is not a tar archive: it ${cause.why}`, { cause })
    : fail('ERR_LAYER_UNSAFE', `layer ${layer} ${cause.why}`, { cause });

/**
 * Reads a layer's tar, within `whileIntact`. Listing, assembling and unpacking all read by this, so that what one accepts the others accept.
 * @throws ERR_LAYER_UNSAFE with the layer and the entry; TarError, also while the content of one is read
 */
export async function* readLayer(layer: Digest, tar: AsyncIterable<Uint8Array>, mostEntries: number): AsyncGenerator<LayerItem, void, void> {
  let count = 0;
  for await (const entry of readTar(tar)) {
    if ((count += 1) > mostEntries) fail('ERR_LAYER_UNSAFE', `layer ${layer} has more than ${mostEntries} entries`);
    const item = forEntry(layer, entry, () => itemOf(entry));
    if (item) yield item;
  }
}

/** What an altered layer may be refused as, before all of it was hashed. */
const SYMPTOMS = ['ERR_LAYER_UNSAFE', 'ERR_MANIFEST_INVALID', 'ERR_DIGEST_MISMATCH'] as const;

/**
 * Does work with a layer's bytes. If it fails over them, they are read to their end first: if they were altered, their source says so, and that is the reason.
 * @throws what the work throws, a TarError as ERR_LAYER_UNSAFE or, if the bytes are no tar, ERR_MANIFEST_INVALID; or the source: ERR_STORE_CORRUPT, ERR_DIGEST_MISMATCH
 */
export const whileIntact = async <T>(source: BlobSource, layer: Descriptor, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (SYMPTOMS.some((code) => isPinlaneError(error, code))) for await (const _ of source.openBlob(layer, { lent: true }));
    if (error instanceof TarError) refuseTar(layer.digest, error);
    throw error;
  }
};
