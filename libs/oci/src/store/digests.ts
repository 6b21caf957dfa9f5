import { createHash, hash, type Hash } from 'node:crypto';
import { digestSchema } from '@pinlane/contracts';
import * as z from 'zod';

/**
 * A digest by which a layout may hold content (descriptor.md, "Registered algorithms"). Pinlane itself writes, names and pins by sha256 alone; content by
 * sha512 is kept for clients that use the store as a registry.
 */
export const anyDigestSchema = z.union([
  digestSchema,
  z
    .string()
    .regex(/^sha512:[a-f0-9]{128}$/, 'expected sha256: and 64, or sha512: and 128 lower-case hexadecimal digits')
    .brand<'Sha512Digest'>(),
]);
export type AnyDigest = z.infer<typeof anyDigestSchema>;

export const ALGORITHMS = ['sha256', 'sha512'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** The part of a descriptor that is needed to find content and to check its size, in bytes. */
export interface AnyBlob {
  readonly digest: AnyDigest;
  readonly size: number;
}

export const isAnyDigest = (text: string): text is AnyDigest => anyDigestSchema.safeParse(text).success;

export const algorithmOf = (digest: AnyDigest): Algorithm => (digest.startsWith('sha512:') ? 'sha512' : 'sha256');

/** The hexadecimal digits alone. */
export const hexOf = (digest: AnyDigest): string => digest.slice('sha256:'.length);

/** A new hash of the digest's algorithm. */
export const hashFor = (digest: AnyDigest): Hash => createHash(algorithmOf(digest));

/** Whether some bytes have the digest. */
export const hasDigest = (bytes: Uint8Array, digest: AnyDigest): boolean => hash(algorithmOf(digest), bytes) === hexOf(digest);

/** A digest as a file's name, and back; undefined if a file's name is not a digest. */
export const digestToFile = (digest: AnyDigest): string => digest.replace(':', '-');
export const digestOfFile = (name: string): AnyDigest | undefined => {
  const digest = name.replace('-', ':');
  return isAnyDigest(digest) ? digest : undefined;
};
