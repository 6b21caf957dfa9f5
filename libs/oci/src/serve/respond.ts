import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isPinlaneError } from '@pinlane/contracts';
import { Refusal } from './refusal.ts';
import { jsonReply, type Reply } from './reply.ts';

/** So much of a body that nobody wants is read; then the connection is cut. In bytes. */
const DRAINED = 64 * 1024 * 1024;

/** The answer to a request that failed (distribution specification, "Error Codes"). What is the server's own fault is told to its log alone. */
export const failureReply = (error: unknown, log: (line: string) => void): Reply => {
  if (error instanceof Refusal) return jsonReply(error.status, { errors: [{ code: error.code, message: error.message }] }, error.headers);
  const { message, code } = error as Error & { code?: unknown };
  log(isPinlaneError(error) ? message : `failed: ${(error as Error).stack ?? message}`);
  const said = (status: number, text: string, headers = {}) => jsonReply(status, { errors: [{ code: 'UNKNOWN', message: text }] }, headers);
  if (isPinlaneError(error, 'ERR_STORE_LOCKED')) return said(503, 'the store is busy', { 'retry-after': '1' });
  if (code === 'ENOSPC' || code === 'EDQUOT') return said(507, 'there is no room left');
  return said(500, isPinlaneError(error) ? `${error.code}: see the log of the server` : 'see the log of the server');
};

/** Reads what a client still sends, for a while, so that one which first sends all, and then looks for the answer, comes to see it. */
const drain = (request: IncomingMessage, patienceMs: number): Promise<void> =>
  new Promise((resolve) => {
    let seen = 0;
    const enough = (): void => {
      // A timer that is left would keep the process long after the server has closed.
      clearTimeout(patience);
      resolve();
    };
    const patience = setTimeout(enough, patienceMs);
    request.on('close', enough).on('end', enough);
    request.on('data', (chunk: Buffer) => {
      if ((seen += chunk.length) > DRAINED) enough();
    });
    // It was paused where somebody began to read it and left off.
    request.resume();
  });

/**
 * Writes an answer; without its body to HEAD. A body that fails midway cuts the connection, so that nobody takes it for whole. What the client
 * still sends is read for `patienceMs`.
 */
export const respond = async (
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
  // Left to itself, Node reads the rest of a body to its end, however far off that is.
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
