import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** What a path holds: the bytes of a file, or why it is not read: it is no regular file, or larger than the limit. */
export type SmallFile =
  { readonly kind: 'file'; readonly bytes: Uint8Array } | { readonly kind: 'special' } | { readonly kind: 'large'; readonly size: number };

/** The bytes of an open file, up to one more than the limit: it may grow while it is read. @param size what it has now */
const readUpTo = (descriptor: number, size: number, limit: number): Uint8Array => {
  const chunks: Uint8Array[] = [];
  for (let left = limit + 1; left > 0;) {
    // One read for the file and one for its end, and no more memory than that takes: a run reads several for each processor.
    const chunk = Buffer.allocUnsafe(Math.min(left, chunks.length === 0 ? size + 1 : 4096));
    const count = readSync(descriptor, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    left -= count;
  }
  return Buffer.concat(chunks);
};

/**
 * Reads a small file at once, which anybody may have put there: it waits for no pipe, reads no device, and takes no more than a limit. A run reads several
 * for each processor, and handing each call to a thread would cost several times what the call takes. This imports nothing else, because every Nx command
 * loads it.
 * @param limit in bytes
 * @param links whether the path may be a symbolic link; if not, one is `special`
 * @throws the system's errors
 */
export const readSmallFile = (path: string, limit: number, { links = true } = {}): SmallFile => {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  let descriptor: number;
  try {
    // O_NONBLOCK and O_NOFOLLOW are not on every system.
    descriptor = openSync(path, O_RDONLY | (O_NONBLOCK ?? 0) | (links ? 0 : (O_NOFOLLOW ?? 0)));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // A socket, and a link that is not followed.
    if (code === 'ENXIO' || (code === 'ELOOP' && !links)) return { kind: 'special' };
    throw thrown;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { kind: 'special' };
    if (stats.size > limit) return { kind: 'large', size: stats.size };
    const bytes = readUpTo(descriptor, stats.size, limit);
    return bytes.length > limit ? { kind: 'large', size: bytes.length } : { kind: 'file', bytes };
  } finally {
    closeSync(descriptor);
  }
};
