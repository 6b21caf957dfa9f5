import type { Digest } from '@pinlane/contracts';

interface Owned {
  /** Relative to the root, with `/`, without `.` and `..`. */
  readonly path: string;
  /** Permission bits, with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FileEntry extends Owned {
  readonly type: 'file';
  /** In bytes. */
  readonly size: number;
  readonly sha256: Digest;
  /** The content; whoever reads it checks it against size and hash. Its chunks may be lent: each is good until the next is asked for. */
  open(): AsyncIterable<Uint8Array>;
}

/** What a layer adds. It has no time, because every time in a layer is 1970-01-01. */
export type LayerEntry =
  | FileEntry
  | (Owned & { readonly type: 'directory' })
  /** A named pipe. */
  | (Owned & { readonly type: 'pipe' })
  /** `target` is what the link says, not resolved. */
  | (Owned & { readonly type: 'symlink'; readonly target: string })
  /** `target` is the path of a file that sorts before it in the same layer. */
  | (Owned & { readonly type: 'hardlink'; readonly target: string });

/** Sorts by path, which is the order in a layer: a folder comes before what is in it. */
export const sortEntries = <E extends { readonly path: string }>(entries: readonly E[]): E[] =>
  [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
