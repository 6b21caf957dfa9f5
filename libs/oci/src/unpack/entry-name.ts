import { OPAQUE, WHITEOUT } from '../layer/whiteout.ts';

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

const unsafe = (why: string): EntryName => ({ kind: 'unsafe', why });

/** Reads the name of a tar entry, or of a hard link's target. */
export const parseEntryName = (name: string): EntryName => {
  if (name.startsWith('/')) return unsafe('has an absolute name');
  if (name.includes('\0')) return unsafe('has a name with a NUL byte');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return unsafe('has a name that leaves the root');
  if (parts.length > PARTS_AT_MOST) return unsafe('is nested too deeply');
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
