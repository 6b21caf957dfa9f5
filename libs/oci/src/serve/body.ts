import type { IncomingMessage } from 'node:http';
import { refuse, Refusal } from './refusal.ts';

/** How slowly a body may come: at least so many bytes within each window, in ms. */
export interface Pace {
  readonly windowMs: number;
  readonly bytes: number;
}

/** Only a client that holds the connection on purpose is slower than this. */
export const PACE: Pace = { windowMs: 30_000, bytes: 4096 };

/** The length that a request announces, in bytes. @throws Refusal 413 if it is over the limit */
export const announcedLength = (request: IncomingMessage, limit: number, what: string): number | undefined => {
  const length = request.headers['content-length'];
  if (length === undefined) return undefined;
  if (Number(length) > limit) refuse(413, 'SIZE_INVALID', `${what} of ${length} bytes is larger than the ${limit} that are taken`);
  return Number(length);
};

/** Reads a request's body. @throws Refusal 408 if it comes too slowly; Error if the client goes away */
export async function* bodyOf(request: IncomingMessage, pace: Pace): AsyncGenerator<Buffer, void, void> {
  let seen = 0;
  const watch = setInterval(() => {
    if (seen < pace.bytes) request.destroy(new Refusal(408, 'UNKNOWN', 'the body comes too slowly'));
    seen = 0;
  }, pace.windowMs);
  try {
    // If the loop is left early, the request must not be destroyed: the answer that gives the reason goes out on the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      yield chunk;
    }
  } finally {
    clearInterval(watch);
  }
}

/** Reads a small body into memory. @throws Refusal 413 if it is over the limit, in bytes */
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
