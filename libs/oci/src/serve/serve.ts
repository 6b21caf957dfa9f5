import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIPv6, type AddressInfo, type Socket } from 'node:net';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { isLoopback } from '../registry/index.ts';
import { createLayout } from '../store/index-file.ts';
import { openStore } from '../store/store.ts';
import { storePaths } from '../store/paths.ts';
import { PACE, type Pace } from './body.ts';
import { refuse } from './refusal.ts';
import type { Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { failureReply, respond } from './respond.ts';
import { answer } from './routes.ts';
import { createUploadSessions } from './upload-sessions.ts';

export interface ServeOptions {
  /** The store's folder. */
  readonly root: string;
  /** The address to listen on; 127.0.0.1 unless told. On any other than the loopback everyone who can reach it may read and write. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Answer 405 to whatever would write. */
  readonly readOnly?: boolean;
  /** The largest blob that is taken, in bytes; 16 GiB unless told. */
  readonly blobLimit?: number;
  /** An upload to which nothing is added for so long is forgotten, in ms; an hour unless told. */
  readonly uploadIdleMs?: number;
  /** How long requests that run have to finish when it is closed, in ms; three seconds unless told. */
  readonly closeMs?: number;
  /** How slow a body may come. */
  readonly pace?: Pace;
  /** Takes a line for each request, for each failure of the server's own, and for what whoever started it must know. */
  readonly log?: (line: string) => void;
  /** Whether there is a line for each request; yes unless told. */
  readonly logRequests?: boolean;
}

/** A store that is being served. */
export interface StoreServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly port: number;
  /** Ends it: requests that run may finish, those that take too long are cut. */
  close(): Promise<void>;
}

const GIB = 1024 ** 3;
const HOUR = 60 * 60 * 1000;
const SWEEP_MS = 10 * 60 * 1000;
const CLOSE_MS = 3000;

/** @throws ERR_STORE_LISTEN */
const listen = async (server: Server, host: string, port: number): Promise<AddressInfo> => {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return fail('ERR_STORE_LISTEN', `${host}:${port} ${code === 'EADDRINUSE' ? 'is taken' : `can't be listened on: ${code}`}`, { cause });
  }
  return server.address() as AddressInfo;
};

const lineOf = (request: IncomingMessage, response: ServerResponse, since: number): string => {
  const cut = response.writableFinished ? '' : ' cut';
  const bytes = response.getHeader('content-length') ?? 0;
  return `${request.method} ${(request.url ?? '').slice(0, 300)} ${response.statusCode} ${bytes} ${Math.round(performance.now() - since)}ms${cut}`;
};

/**
 * Serves a store as a registry (OCI distribution specification 1.1), for any client, beside any other process that uses the store. Names and
 * tags: what the store calls `<slug>` is `<slug>:latest`, and so the other way round; by digest all that is in the store can be had.
 * @throws ERR_STORE_LISTEN
 */
export const serveStore = async (options: ServeOptions): Promise<StoreServer> => {
  const {
    root,
    host = '127.0.0.1',
    port = 0,
    readOnly = false,
    blobLimit = 16 * GIB,
    uploadIdleMs = HOUR,
    closeMs = CLOSE_MS,
    pace = PACE,
    log = () => undefined,
    logRequests = true,
  } = options;
  const paths = storePaths(root);
  const uploads = createUploadSessions(paths, blobLimit);
  const registry: Registry = { store: openStore(root), paths, uploads, blobLimit, pace, readOnly };
  const onlyLoopback = isLoopback(isIPv6(host) ? `[${host}]` : host);
  // Ends connections on which nothing moves, such as one on which nothing is asked and one whose answer is not read.
  const idleMs = 2 * pace.windowMs;
  const running = new Set<Promise<void>>();
  const connected = new Set<Socket>();
  const busy = new Set<Socket>();
  let closing = false;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (closing) response.setHeader('connection', 'close');
    // A body has its own pace, and to hash a large upload takes a while in which nothing moves.
    request.socket.setTimeout(0);
    const replyTo = async (): Promise<Reply> => {
      // A page in a browser can reach the loopback by a name of its own that it lets point there; it can't choose another Host for it.
      if (onlyLoopback && !isLoopback(request.headers.host ?? 'localhost')) refuse(403, 'DENIED', 'this registry answers only to names of this machine');
      return answer(registry, request);
    };
    // Where the client has gone nobody is told, and nothing went wrong here.
    const reply = await replyTo().catch((error: unknown) => (request.socket.destroyed ? undefined : failureReply(error, log)));
    if (reply === undefined) return void response.destroy();
    request.socket.setTimeout(idleMs);
    await respond(request, response, reply, idleMs).catch((error: unknown) => {
      if (isPinlaneError(error)) log(error.message);
      response.destroy();
    });
  };

  const server = createServer({ keepAliveTimeout: 120_000, headersTimeout: 20_000, requestTimeout: 0 }, (request, response) => {
    const since = performance.now();
    if (logRequests) response.on('close', () => log(lineOf(request, response, since)));
    busy.add(request.socket);
    const done = handle(request, response).finally(() => {
      running.delete(done);
      busy.delete(request.socket);
      if (closing) server.closeIdleConnections();
    });
    running.add(done);
  });
  server.on('connection', (socket) => {
    connected.add(socket);
    socket.on('close', () => connected.delete(socket));
  });
  server.setTimeout(idleMs);
  if (!readOnly) await createLayout(paths);
  const address = await listen(server, host, port);
  if (!onlyLoopback) log(`warning: everyone who can reach ${host} may read${readOnly ? '' : ', write and delete'} what is in this store`);

  const sweep = () => (readOnly ? Promise.resolve() : uploads.sweep(Date.now() - uploadIdleMs)).catch((error: Error) => log(`failed: ${error.message}`));
  await sweep();
  const sweeping = setInterval(() => void sweep(), SWEEP_MS).unref();

  return {
    origin: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    async close() {
      closing = true;
      clearInterval(sweeping);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Node counts a connection on which nothing was asked yet among those that work.
      for (const socket of connected) if (!busy.has(socket)) socket.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), closeMs);
      await closed;
      clearTimeout(cut);
      await Promise.all(running);
    },
  };
};
