import * as z from './zod.ts';
import { fail } from './errors/error.ts';
import { quoted } from './errors/redact.ts';

/** A content digest: `sha256:` and 64 lower-case hexadecimal digits (OCI image specification, descriptor.md, "Digests"). */
export const digestSchema = z
  .string()
  .regex(/^sha256:[a-f0-9]{64}$/, 'expected sha256: and 64 lower-case hexadecimal digits')
  .brand<'Digest'>();

/** See {@link digestSchema}. */
export type Digest = z.infer<typeof digestSchema>;

/** Whether a text is a digest. */
export const isDigest = (text: string): text is Digest => digestSchema.safeParse(text).success;

/** Parses a digest. @throws ERR_DIGEST_INVALID */
export const parseDigest = (text: string): Digest => (isDigest(text) ? text : fail('ERR_DIGEST_INVALID', `${quoted(text)} is not a sha256 digest`));

/** The 64 hexadecimal digits of a digest. */
export const digestHex = (digest: Digest): string => digest.slice('sha256:'.length);

/** The first 12 hexadecimal digits, for people. */
export const shortDigest = (digest: Digest): string => digestHex(digest).slice(0, 12);
