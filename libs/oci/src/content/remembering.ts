import type { Digest } from '@pinlane/contracts';
import { sha256 } from './sha256.ts';

/** How many results are kept in memory, and up to which size of their bytes. */
const AT_MOST = { count: 256, bytes: 64 * 1024 };

/**
 * A parser of small documents that parses the same bytes once: a build, its push and its pin read the same few a dozen times. The bytes behind a digest never
 * change, so neither does the result; all callers share it, so nobody may change it. What can't be parsed is parsed again.
 */
export const remembering = <T>(parse: (bytes: Uint8Array, digest: Digest) => T): ((bytes: Uint8Array) => T) => {
  const known = new Map<Digest, T>();
  return (bytes) => {
    const digest = sha256(bytes);
    if (known.has(digest)) return known.get(digest)!;
    const result = parse(bytes, digest);
    if (bytes.length > AT_MOST.bytes) return result;
    const [oldest] = known.keys();
    if (known.size >= AT_MOST.count && oldest) known.delete(oldest);
    known.set(digest, result);
    return result;
  };
};
