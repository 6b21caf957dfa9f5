import type { Readable } from 'node:stream';

/** The bytes of a file: at hand, or a place in a spool from which they can be read when they are needed. */
export type Content = { readonly size: number; open(): Readable | Uint8Array };

interface Common {
  /** Relative to the root, with `/`, without a slash at either end. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Who put it there, for the message about a conflict. */
  readonly producer: string;
}

/** One thing in the root file system of the base. Times are left out: they are all the epoch. */
export type TreeEntry =
  | (Common & { readonly type: 'file'; readonly content: Content })
  | (Common & { readonly type: 'directory' })
  /** `target` as it stands in the link. */
  | (Common & { readonly type: 'symlink'; readonly target: string })
  /** `target` is a path of this tree. */
  | (Common & { readonly type: 'hardlink'; readonly target: string });

/** Text or bytes as a content. */
export const inMemory = (data: string | Uint8Array): Content => {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  return { size: bytes.length, open: () => bytes };
};

const owned = (producer: string, path: string, mode: number, owner: { uid: number; gid: number }) => ({ producer, path, mode, ...owner });
const ROOT = { uid: 0, gid: 0 };

/** Makes the entries of one producer, root's unless an owner is given. */
export const maker = (producer: string) => ({
  file: (path: string, data: string | Uint8Array, mode = 0o644, owner = ROOT): TreeEntry => ({
    ...owned(producer, path, mode, owner),
    type: 'file',
    content: inMemory(data),
  }),
  directory: (path: string, mode = 0o755, owner = ROOT): TreeEntry => ({ ...owned(producer, path, mode, owner), type: 'directory' }),
  symlink: (path: string, target: string): TreeEntry => ({ ...owned(producer, path, 0o777, ROOT), type: 'symlink', target }),
});
