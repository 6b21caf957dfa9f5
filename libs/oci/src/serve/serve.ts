import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { isPinlaneError } from '@pinlane/contracts';
import { isLoopback } from '../registry/index.ts';
import { createLayout } from '../store/index-file.ts';
import { openStore } from '../store/store.ts';
import { storePaths } from '../store/paths.ts';
import { PACE, type Pace } from './body.ts';
import { listenHttp } from './http-server.ts';
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

const lineOf = (request: IncomingMessage, response: ServerResponse, since: number): string => {
  const cut = response.writableFinished ? '' : ' cut';
  const bytes = response.getHeader('content-length') ?? 0;
  return `${request.method} ${(request.url ?? '').slice(0, 300)} ${response.statusCode} ${bytes} ${Math.round(performance.now() - since)}ms${cut}`;
};

/**
 * Whether a page of another machine asks, in a browser on this one. It can reach the loopback by a name of its own that it lets point there, and
 * can't choose another Host for it; and it can send there what it may not read the answer to, under its own Origin.
 */
const isForeign = ({ host = 'localhost', origin }: IncomingHttpHeaders): boolean =>
  !isLoopback(host) || (origin !== undefined && !isLoopback(origin.replace(/^https?:\/\//, '')));

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
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const since = performance.now();
    if (logRequests) response.on('close', () => log(lineOf(request, response, since)));
    // A body has its own pace, and to hash a large upload takes a while in which nothing moves.
    request.socket.setTimeout(0);
    const replyTo = async (): Promise<Reply> => {
      if (onlyLoopback && isForeign(request.headers)) refuse(403, 'DENIED', 'this registry answers only to names of this machine');
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

  if (!readOnly) await createLayout(paths);
  const server = await listenHttp(handle, { host, port, idleMs });
  if (!onlyLoopback) log(`warning: everyone who can reach ${host} may read${readOnly ? '' : ', write and delete'} what is in this store`);

  const sweep = () => (readOnly ? Promise.resolve() : uploads.sweep(Date.now() - uploadIdleMs)).catch((error: Error) => log(`failed: ${error.message}`));
  await sweep();
  const sweeping = setInterval(() => void sweep(), SWEEP_MS).unref();

  const { address, family, port: taken } = server.address;
  return {
    origin: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    port: taken,
    async close() {
      clearInterval(sweeping);
      await server.close(closeMs);
    },
  };
};
