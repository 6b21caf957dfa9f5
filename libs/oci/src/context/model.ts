import type { Digest } from '@pinlane/contracts';
import type { ChunkUse } from '../content/index.ts';

/** One thing that COPY can see. */
export interface ContextEntry {
  /** Relative to the context, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** As it goes into the image: 0755 for a file that its owner may execute, 0644 for any other; 0755 for a directory, 0777 for a link. */
  readonly mode: number;
  /** In bytes; 0 for anything but a file. */
  readonly size: number;
  /** Of a file's content; null for anything else. */
  readonly sha256: Digest | null;
  /** What a link says, not resolved; null for anything else. It may lead anywhere. */
  readonly linkTarget: string | null;
}

/** What lies in a context and can't be put into an image. */
export interface OddEntry {
  /** Relative to the context; a byte that is not UTF-8 is a lone surrogate, U+DC00 and the byte. */
  readonly path: string;
  /** Completes a sentence about it: `is a pipe`. */
  readonly why: string;
}

/** A folder as COPY sees it. */
export interface BuildContext {
  /** The folder's real path; it appears in no image. */
  readonly root: string;
  /** Sorted by path, by UTF-16 code units. */
  readonly entries: readonly ContextEntry[];
  /** What a build fails over only if an instruction copies it; sorted by path. */
  readonly odd: readonly OddEntry[];
  /** The Dockerfile, which is read even if .dockerignore hides it from COPY. */
  readonly dockerfile: { readonly path: string; readonly text: string };
  /** The content of a file among the entries; whoever reads it checks it against the entry's hash. */
  open(path: string, use?: ChunkUse): AsyncIterable<Uint8Array>;
}
