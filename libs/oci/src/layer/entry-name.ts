import { nameLength } from './names.ts';
import { OPAQUE, WHITEOUT } from './whiteout.ts';

/** What the name of a tar entry asks for. Paths are relative to the root, without `.`, `..` or empty parts. */
export type EntryName =
  | { readonly kind: 'root' }
  | { readonly kind: 'path'; readonly parts: readonly string[] }
  /** Takes away what lower layers have at this path (OCI image specification, layer.md, "Whiteouts"). */
  | { readonly kind: 'whiteout'; readonly parts: readonly string[] }
  /** Takes away what lower layers have in this folder. */
  | { readonly kind: 'opaque'; readonly parts: readonly string[] }
  /** A union file system's own record, which is part of no image. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unsafe'; readonly why: string };

const PARTS_AT_MOST = 256;
/** Linux's limit for one name, in bytes (NAME_MAX). */
const LONGEST_NAME = 255;
/** For a whole path, in bytes. Linux takes 4095 (PATH_MAX), of which the folder that a layer is unpacked into takes a part. */
const LONGEST_PATH = 3072;

const unsafe = (why: string) => ({ kind: 'unsafe', why }) as const;

/** The names on the way to an entry, from the root; a slash before the first counts for nothing. */
const partsOf = (name: string): readonly string[] | { readonly kind: 'unsafe'; readonly why: string } => {
  if (name.includes('\0')) return unsafe('has a name with a NUL byte');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return unsafe('has a name that leaves the root');
  if (parts.length > PARTS_AT_MOST) return unsafe(`is nested too deeply: in more than ${PARTS_AT_MOST} folders`);
  if (nameLength(name) > LONGEST_PATH) return unsafe(`has a path of more than ${LONGEST_PATH} bytes`);
  if (parts.some((part) => nameLength(part) > LONGEST_NAME)) return unsafe(`has a name of more than ${LONGEST_NAME} bytes (ENAMETOOLONG)`);
  return parts;
};

/** Reads the name of a tar entry, or of a hard link's target. An absolute one is below the root too: kaniko writes such names. */
export const parseEntryName = (name: string): EntryName => {
  const parts = partsOf(name);
  if ('kind' in parts) return parts;
  const last = parts.at(-1);
  if (last === undefined) return { kind: 'root' };
  const parents = parts.slice(0, -1);
  if (parents.some((part) => part.startsWith(WHITEOUT))) return unsafe('lies inside of a whiteout');
  if (!last.startsWith(WHITEOUT)) return { kind: 'path', parts };
  if (last === OPAQUE) return { kind: 'opaque', parts: parents };
  if (last.startsWith(`${WHITEOUT}${WHITEOUT}`)) return { kind: 'ignored' };
  const hidden = last.slice(WHITEOUT.length);
  return hidden === '' || hidden === '.' || hidden === '..' ? unsafe('is a whiteout of nothing') : { kind: 'whiteout', parts: [...parents, hidden] };
};

/** A name of a tar that is not a layer as a path below its root, undefined for the root itself; or why it can't be one. */
export const cleanPath = (name: string): { readonly path: string | undefined } | { readonly why: string } => {
  const parts = partsOf(name);
  return 'kind' in parts ? { why: parts.why } : { path: parts.length === 0 ? undefined : parts.join('/') };
};
