import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { fail } from '@pinlane/contracts';
import { printable } from './endpoint.ts';

/** A request body that is streamed. Each call of `open` gives it from the start. */
export interface StreamedBody {
  /** In bytes. */
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** One HTTP request. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  /** Ends the exchange, also while the answer's body is read. */
  readonly signal: AbortSignal;
}

/** The answer to one HTTP request. The caller reads its body once, or drops it. */
export interface Incoming {
  readonly status: number;
  header(name: string): string | null;
  readonly body: AsyncIterable<Uint8Array>;
  drop(): void;
}

/** How long an idle connection is kept, in ms. Servers commonly close one after five seconds at the earliest; this side closes it before that. */
const IDLE_MS = 4_000;
/** An unwanted answer is read up to this size, in bytes, so that its connection can be used again. */
const READ_TO_DROP = 64 * 1024;

// The environment's proxies are used under the same condition as by fetch: if Node is told to use them.
const options = { keepAlive: true, timeout: IDLE_MS, ...(process.env['NODE_USE_ENV_PROXY'] === '1' ? { proxyEnv: process.env } : {}) };
const agents: { http?: Agent; https?: Agent } = {};

/** Ends a request with a signal. Node's own option for it does so, too, and takes as much processor time as the request. */
const endWith = (signal: AbortSignal, request: ClientRequest): void => {
  const end = (): void => void request.destroy(signal.reason as Error);
  if (signal.aborted) return end();
  signal.addEventListener('abort', end, { once: true });
  request.once('close', () => signal.removeEventListener('abort', end));
};

// The modules are loaded when they are first needed. An import statement would also read every export of node:http, and one of these loads all of fetch.
const begin = ({ method, url, headers, signal }: Outgoing): ClientRequest => {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const { Agent, request: send } = scheme === 'https' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  const request = send(url, { method, headers, agent: (agents[scheme] ??= new Agent(options)) });
  endWith(signal, request);
  return request;
};

/** Resolves when the request takes more bytes, or is closed. */
const roomIn = (request: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done);
      resolve();
    };
    request.on('drain', done).on('close', done);
  });

/** Writes a streamed body no faster than the connection takes it. @throws ERR_DIGEST_MISMATCH if its length is not `size`, and what `open` throws */
const write = async (request: ClientRequest, { size, open }: StreamedBody, url: URL): Promise<void> => {
  let sent = 0;
  for await (const chunk of open()) {
    if (request.destroyed) return;
    sent += chunk.length;
    if (sent > size) break;
    if (!request.write(chunk)) await roomIn(request);
  }
  if (sent !== size) fail('ERR_DIGEST_MISMATCH', `what was to be sent to ${printable(url)} is not ${size} bytes long`);
  request.end();
};

/** Gets rid of an answer. A short one is read to its end, which frees the connection for the next request; otherwise the connection is closed. */
const drop = (request: ClientRequest, response: IncomingMessage): void => {
  // There is nothing to come.
  if (request.method === 'HEAD') return void response.on('error', () => undefined).resume();
  const announced = Number(response.headers['content-length'] ?? 0);
  // The server has answered, so the rest of a request body that is still being sent is of no use.
  if (announced > READ_TO_DROP || !request.writableEnded) return void request.destroy();
  let size = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > READ_TO_DROP) request.destroy();
  });
  // Not only while nothing comes: a byte now and then would keep the process.
  const deadline = setTimeout(() => request.destroy(), IDLE_MS);
  response.once('close', () => clearTimeout(deadline));
};

const incoming = (request: ClientRequest, response: IncomingMessage): Incoming => ({
  status: response.statusCode ?? 0,
  header: (name) => {
    const value = response.headers[name];
    return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
  },
  body: response,
  drop: () => drop(request, response),
});

/**
 * Sends one request and resolves when the head of its answer has arrived. The connection is kept for the next request. It does not use `fetch`, which takes
 * four times the processor time for each of a push's thirty small requests.
 * @throws the connection's error, or what the body throws
 */
export const exchange = (outgoing: Outgoing): Promise<Incoming> =>
  new Promise((resolve, reject) => {
    const request = begin(outgoing);
    // The system would otherwise hold back small packets for a while.
    request.setNoDelay(true);
    request.on('response', (response) => resolve(incoming(request, response)));
    // After the answer has begun this rejects nothing: the reader of the body gets the error.
    request.on('error', reject);
    const { body } = outgoing;
    if (body === undefined || body instanceof Uint8Array) return void request.end(body);
    write(request, body, outgoing.url).catch((error: unknown) => {
      reject(error);
      request.destroy();
    });
  });
