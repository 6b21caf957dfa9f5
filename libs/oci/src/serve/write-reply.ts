import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isPinlaneError } from '@pinlane/contracts';
import { Refusal } from './refusal.ts';
import { jsonReply, type Reply } from './reply.ts';

/** How much of an unwanted body is read before the connection is cut, in bytes. */
const DRAINED = 64 * 1024 * 1024;

/** The answer to a request that failed (distribution specification, "Error Codes"). The server's own faults are described in its log alone. */
export const failureReply = (error: unknown, log: (line: string) => void): Reply => {
  if (error instanceof Refusal) return jsonReply(error.status, { errors: [{ code: error.code, message: error.message }] }, error.headers);
  const { message, code } = error as Error & { code?: unknown };
  log(isPinlaneError(error) ? message : `failed: ${(error as Error).stack ?? message}`);
  const said = (status: number, text: string, headers = {}) => jsonReply(status, { errors: [{ code: 'UNKNOWN', message: text }] }, headers);
  if (isPinlaneError(error, 'ERR_STORE_LOCKED')) return said(503, 'the store is busy', { 'retry-after': '1' });
  if (code === 'ENOSPC' || code === 'EDQUOT') return said(507, 'there is no room left');
  return said(500, isPinlaneError(error) ? `${error.code}: see the log of the server` : 'see the log of the server');
};

/** Reads on for a while, because some clients look for the answer only after they have sent their whole body. */
const drain = (request: IncomingMessage, patienceMs: number): Promise<void> =>
  new Promise((resolve) => {
    let seen = 0;
    const enough = (): void => {
      // A timer that is left would keep the process alive long after the server has closed.
      clearTimeout(patience);
      resolve();
    };
    const patience = setTimeout(enough, patienceMs);
    request.on('close', enough).on('end', enough);
    request.on('data', (chunk: Buffer) => {
      if ((seen += chunk.length) > DRAINED) enough();
    });
    // A reader that stopped early has left the request paused.
    request.resume();
  });

/**
 * Writes an answer, without the body if the request is HEAD. A body that fails midway cuts the connection, so that nobody takes it for whole. The rest of
 * the request's body is read for `patienceMs` at most.
 */
export const writeReply = async (
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body, done }: Reply,
  patienceMs: number,
): Promise<void> => {
  const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {};
  response.statusCode = status;
  response.setHeaders(
    new Map(Object.entries({ 'docker-distribution-api-version': 'registry/2.0', 'x-content-type-options': 'nosniff', ...length, ...headers })),
  );
  // By itself, Node would read the rest of the request's body, however long it is.
  response.on('finish', () => {
    if (!request.complete) request.socket.destroySoon();
  });
  try {
    if (body !== undefined && request.method !== 'HEAD') {
      if (!(body instanceof Uint8Array)) return await pipeline(body, response);
      response.write(body);
    } else response.flushHeaders();
    if (!request.complete) await drain(request, patienceMs);
    response.end();
  } finally {
    await done?.();
  }
};
