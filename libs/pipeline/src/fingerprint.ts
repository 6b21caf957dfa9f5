import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Digest, SpecProjection } from '@pinlane/contracts';

/** Counts up when the same input shall have another fingerprint. */
const FORMAT = 1;

/** An entry of a build context, as far as it can reach an image. */
export interface FingerprintEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** As it goes into the image: 0644, 0755 or 0777. */
  readonly mode: number;
  readonly sha256: string | null;
  readonly linkTarget: string | null;
}

/** Everything that an image is made from; platforms are not part of it, so that one can be built later than another. */
export interface FingerprintInput {
  readonly assembler: string;
  readonly entries: readonly FingerprintEntry[];
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | null;
  readonly projection: SpecProjection;
  /** Images named in FROM, each by digest. */
  readonly bases: Readonly<Record<string, string>>;
  /** What is asked besides the source, see `askedOfImage`; absent if nothing is, so that it moves no other fingerprint. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The fingerprint of a build: sha256 over RFC 8785 JSON of all its input, in which the order of entries means nothing
 * (design, section 5). Equal fingerprints mean equal images; pins never reach it, because the projection has none.
 */
export const fingerprintOf = (input: FingerprintInput): Digest => {
  const plain = input.entries.map(({ path, type, mode, sha256, linkTarget }) => ({ path, type, mode, sha256, linkTarget }));
  const entries = plain.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const text = canonicalize({ format: FORMAT, ...input, entries }) as string;
  return `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest;
};
