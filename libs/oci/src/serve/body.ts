import type { IncomingMessage } from 'node:http';
import { refuse, Refusal } from './refusal.ts';

/** How slow a body may come: within each window, in ms, at least so many bytes. */
export interface Pace {
  readonly windowMs: number;
  readonly bytes: number;
}

/** So slow that only a client which means to hold the connection is slower. */
export const PACE: Pace = { windowMs: 30_000, bytes: 4096 };

/** The length that a request announces, in bytes. @throws Refusal 413 where it is over the limit */
export const announcedLength = (request: IncomingMessage, limit: number, what: string): number | undefined => {
  const length = request.headers['content-length'];
  if (length === undefined) return undefined;
  if (Number(length) > limit) refuse(413, 'SIZE_INVALID', `${what} of ${length} bytes is larger than the ${limit} that are taken`);
  return Number(length);
};

/** A request's body, chunk by chunk. @throws Refusal 408 where it comes too slowly; Error where the client goes away */
export async function* bodyOf(request: IncomingMessage, pace: Pace): AsyncGenerator<Buffer, void, void> {
  let seen = 0;
  const watch = setInterval(() => {
    if (seen < pace.bytes) request.destroy(new Refusal(408, 'UNKNOWN', 'the body comes too slowly'));
    seen = 0;
  }, pace.windowMs);
  try {
    // Not destroyed with the loop: the answer that says why it was left goes out on the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      yield chunk;
    }
  } finally {
    clearInterval(watch);
  }
}

/** A small body, whole. @throws Refusal 413 where it is over the limit, in bytes */
export const wholeBody = async (request: IncomingMessage, limit: number, what: string, pace: Pace): Promise<Buffer> => {
  announcedLength(request, limit, what);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request, pace)) {
    size += chunk.length;
    if (size > limit) refuse(413, 'SIZE_INVALID', `${what} is larger than the ${limit} bytes that are taken`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};
