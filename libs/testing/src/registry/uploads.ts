import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { sha256, type Contents } from './contents.ts';
import { errorReply, type Reply } from './reply.ts';

/** How large the chunks of an upload may be, and whether it can be spared. */
export interface ChunkLimits {
  /** The largest chunk that is taken, in bytes; a larger one is refused as GitHub's registry refuses it. */
  readonly largestChunk?: number;
  /** The smallest chunk that is taken if it is not the last one, in bytes; the registry announces it. */
  readonly smallestChunk?: number;
  readonly refusesMounts?: boolean;
}

/** What is asked of an upload: the repository, the upload's id (empty for a new one), and the query of the address. */
interface UploadRequest {
  readonly path: string;
  readonly id: string;
  readonly query: URLSearchParams;
}

/** Which repository has which blob; each has all of them unless they are separate. */
export const createHoldings = (separate: boolean) => {
  const held = new Set<string>();
  return {
    has: (path: string, digest: string): boolean => !separate || held.has(`${path}@${digest}`),
    add: (path: string, digest: string): unknown => held.add(`${path}@${digest}`),
  };
};

/** Registers what is uploaded as blobs, whole or in chunks. */
export const createUploads = (
  blobs: Contents['blobs'],
  holdings: ReturnType<typeof createHoldings>,
  { largestChunk = Infinity, smallestChunk, refusesMounts }: ChunkLimits,
) => {
  const sessions = new Map<string, Uint8Array>();

  const headersOf = (path: string, id: string): Record<string, string> => ({
    location: `/v2/${path}/blobs/uploads/${id}?state=a%2Bb`,
    range: `0-${Math.max(0, (sessions.get(id)?.length ?? 0) - 1)}`,
  });

  const begin = ({ path, query }: UploadRequest): Reply => {
    const mount = query.get('mount') ?? '';
    const isThere = blobs.has(mount) && holdings.has(query.get('from') ?? path, mount);
    if (isThere && !refusesMounts) {
      holdings.add(path, mount);
      return { status: 201, headers: { location: `/v2/${path}/blobs/${mount}` } };
    }
    const id = randomUUID();
    sessions.set(id, Buffer.alloc(0));
    const smallest: Record<string, string> = smallestChunk === undefined ? {} : { 'oci-chunk-min-length': String(smallestChunk) };
    return { status: 202, headers: { ...headersOf(path, id), ...smallest } };
  };

  const takeChunk = ({ path, id }: UploadRequest, before: Uint8Array, bytes: Uint8Array, range = ''): Reply => {
    if (bytes.length > largestChunk) return errorReply(416, 'REQUESTED_RANGE_NOT_SATISFIABLE', 'the request body is too large');
    // Only the last chunk may be smaller, so the one before was wrong if another follows it.
    if (smallestChunk !== undefined && before.length % smallestChunk > 0) return errorReply(400, 'SIZE_INVALID');
    if (Number(/^(\d+)-\d+$/.exec(range)?.[1]) !== before.length) return { ...errorReply(416, 'BLOB_UPLOAD_INVALID'), headers: headersOf(path, id) };
    sessions.set(id, Buffer.concat([before, bytes]));
    return { status: 202, headers: headersOf(path, id) };
  };

  const finish = ({ path, id, query }: UploadRequest, before: Uint8Array, bytes: Uint8Array): Reply => {
    sessions.delete(id);
    const whole = Buffer.concat([before, bytes]);
    const digest = query.get('digest') ?? '';
    if (sha256(whole) !== digest) return errorReply(400, 'DIGEST_INVALID');
    blobs.set(digest, whole);
    holdings.add(path, digest);
    return { status: 201, headers: { location: `/v2/${path}/blobs/${digest}` } };
  };

  return async (request: IncomingMessage, upload: UploadRequest): Promise<Reply> => {
    if (request.method === 'POST') return begin(upload);
    const bytes = Buffer.concat(await request.toArray());
    const before = sessions.get(upload.id);
    if (before === undefined || upload.query.get('state') !== 'a+b') return errorReply(404, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'DELETE') return sessions.delete(upload.id) ? { status: 204 } : errorReply(404, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'GET') return { status: 204, headers: headersOf(upload.path, upload.id) };
    if (request.method === 'PATCH') return takeChunk(upload, before, bytes, request.headers['content-range']);
    return finish(upload, before, bytes);
  };
};
