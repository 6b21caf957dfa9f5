import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { fail } from '@pinlane/contracts';
import { printable } from './endpoint.ts';

/** A body that is streamed; `open` gives it from the start, each time. */
export interface StreamedBody {
  /** In bytes. */
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** One request as it goes out, and what it ends by. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  readonly signal: AbortSignal;
}

/** What came back; its body is to be read once, or dropped. */
export interface Incoming {
  readonly status: number;
  header(name: string): string | null;
  readonly body: AsyncIterable<Uint8Array>;
  drop(): void;
}

/** Servers close connections that are idle, five seconds being the shortest time that is common; so we leave them before. */
const IDLE_MS = 4_000;
/** An answer that is not wanted is read up to this size, in bytes, so that its connection can be used again. */
const READ_TO_DROP = 64 * 1024;

// As for fetch: proxies of the environment count where Node is told to heed them.
const options = { keepAlive: true, timeout: IDLE_MS, ...(process.env['NODE_USE_ENV_PROXY'] === '1' ? { proxyEnv: process.env } : {}) };
const agents: { http?: Agent; https?: Agent } = {};

// Each is loaded when it is first needed, and not by an import, which reads every export: one of node:http's loads all of fetch.
const begin = ({ method, url, headers, signal }: Outgoing): ClientRequest => {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const { Agent, request } = scheme === 'https' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  return request(url, { method, headers, signal, agent: (agents[scheme] ??= new Agent(options)) });
};

/** Resolves when more can be written, or when there is no one left to write to. */
const roomIn = (request: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done);
      resolve();
    };
    request.on('drain', done).on('close', done);
  });

/** Writes a streamed body, as fast as it is taken. @throws ERR_DIGEST_MISMATCH where it is not as long as announced, and what `open` throws */
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

/** Reads what is left of a short answer, so that its connection is free again, and closes that of a long one, or of one that does not come. */
const drop = (request: ClientRequest, response: IncomingMessage): void => {
  const announced = request.method === 'HEAD' ? 0 : Number(response.headers['content-length'] ?? 0);
  // A body that still goes out is of no use to anyone once it was answered.
  if (announced > READ_TO_DROP || !request.writableEnded) return void request.destroy();
  let size = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > READ_TO_DROP) request.destroy();
  });
  request.setTimeout(IDLE_MS, () => request.destroy());
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
 * Sends one request over a connection that is kept for the next, and resolves when the head of its answer is there. Not by `fetch`, which takes
 * four times the processor's time for each of the thirty small requests of a push.
 * @throws the connection's error, or what the body throws
 */
export const exchange = (outgoing: Outgoing): Promise<Incoming> =>
  new Promise((resolve, reject) => {
    const request = begin(outgoing);
    // Without this delay of the system's, what is small goes out at once.
    request.setNoDelay(true);
    request.on('response', (response) => resolve(incoming(request, response)));
    // After the answer has begun nobody waits here: its reader gets the error.
    request.on('error', reject);
    const { body } = outgoing;
    if (body === undefined || body instanceof Uint8Array) return void request.end(body);
    write(request, body, outgoing.url).catch((error: unknown) => {
      reject(error);
      request.destroy();
    });
  });
