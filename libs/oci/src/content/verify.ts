import { fail, type Digest, type ErrorCode } from '@pinlane/contracts';
import type { BlobDescriptor } from './descriptor.ts';
import { createSha256, sha256 } from './sha256.ts';

/**
 * Passes chunks on and checks them against a digest and a size in bytes. The chunks can be trusted only after the stream has ended without an error,
 * because the last one is passed on before the digest is known.
 * @throws ERR_DIGEST_MISMATCH at the end, or as soon as there are more bytes than announced
 */
export async function* verified(source: AsyncIterable<Uint8Array>, { digest, size }: BlobDescriptor): AsyncGenerator<Uint8Array, void, void> {
  const seen = createSha256();
  for await (const chunk of source) {
    seen.update(chunk);
    if (seen.size > size) fail('ERR_DIGEST_MISMATCH', `${digest} is longer than the ${size} bytes it was announced with`);
    yield chunk;
  }
  if (seen.size < size) fail('ERR_DIGEST_MISMATCH', `${digest} ended after ${seen.size} of ${size} bytes`);
  const actual = seen.digest();
  if (actual !== digest) fail('ERR_DIGEST_MISMATCH', `bytes announced as ${digest} have the digest ${actual}`);
}

/** Checks bytes in memory against a digest and a size, and gives them back. @throws ERR_DIGEST_MISMATCH */
export const verifyBytes = (bytes: Uint8Array, digest: Digest, size = bytes.length): Uint8Array => {
  if (bytes.length !== size) fail('ERR_DIGEST_MISMATCH', `${digest} has ${bytes.length} bytes and was announced with ${size}`);
  const actual = sha256(bytes);
  return actual === digest ? bytes : fail('ERR_DIGEST_MISMATCH', `bytes announced as ${digest} have the digest ${actual}`);
};

/** Reads a stream into memory. `what` names it in the message. @throws `code` if it is longer than the limit, in bytes */
export const readAll = async (
  source: AsyncIterable<Uint8Array>,
  limit: number,
  what: string,
  code: ErrorCode = 'ERR_MANIFEST_INVALID',
): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) fail(code, `${what} is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};
