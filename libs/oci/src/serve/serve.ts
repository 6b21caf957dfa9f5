import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { isPinlaneError } from '@pinlane/contracts';
import { isLoopback } from '../registry/index.ts';
import { createLayout } from '../store/index-file.ts';
import type { Reach } from '../store/elsewhere.ts';
import { openStore } from '../store/store.ts';
import { storePaths } from '../store/paths.ts';
import { PACE, type Pace } from './body.ts';
import { listenHttp, type Handler } from './http-server.ts';
import { refuse } from './refusal.ts';
import type { Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { failureReply, writeReply } from './write-reply.ts';
import { answer } from './routes.ts';
import { createUploadSessions, type UploadSessions } from './upload-sessions.ts';

export interface ServeOptions {
  /** The store's folder. */
  readonly root: string;
  /** The address to listen on; 127.0.0.1 if absent. If it is not the loopback, everyone who can reach it may read and write. */
  readonly host?: string;
  /** The port to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** Whether requests that would write are answered 405. */
  readonly readOnly?: boolean;
  /** The largest blob that is taken, in bytes; 16 GiB if absent. */
  readonly blobLimit?: number;
  /** How long an upload is kept to which nothing is added, in ms; an hour if absent. */
  readonly uploadIdleMs?: number;
  /** How long running requests have to finish after the server is closed, in ms; three seconds if absent. */
  readonly closeMs?: number;
  /** How slow a body may come. */
  readonly pace?: Pace;
  /** Takes a line for each request, for each fault of the server itself, and for warnings to the one who started it. */
  readonly log?: (line: string) => void;
  /** Whether each request is logged; true if absent. */
  readonly logRequests?: boolean;
  /** How blobs are reached that the store left elsewhere; without it, they are not to be had here. */
  readonly reach?: Reach;
}

/** A store that is being served. */
export interface StoreServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly port: number;
  /** Ends the server. Running requests may finish; those that take too long are cut. */
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
 * Whether a request comes from a page of another machine, in a browser on this one. Such a page can let a name of its own point to the loopback, but then
 * Host shows that name; and it can send requests whose answers it may not read, but then Origin shows where it comes from.
 */
const isForeign = ({ host = 'localhost', origin }: IncomingHttpHeaders): boolean =>
  !isLoopback(host) || (origin !== undefined && !isLoopback(origin.replace(/^https?:\/\//, '')));

const isLoopbackAddress = (host: string): boolean => isLoopback(isIPv6(host) ? `[${host}]` : host);

interface Handling {
  /** Whether requests from pages of other machines are refused. */
  readonly onlyLoopback: boolean;
  /** How long a connection may stand still while an answer is written, in ms. */
  readonly idleMs: number;
  readonly log: (line: string) => void;
  readonly logRequests: boolean;
}

/** Handles a request to its end: answers it, logs it, and cuts its connection if that fails. */
const createHandler = (registry: Registry, { onlyLoopback, idleMs, log, logRequests }: Handling): Handler => {
  const replyTo = async (request: IncomingMessage): Promise<Reply> => {
    if (onlyLoopback && isForeign(request.headers)) refuse(403, 'DENIED', 'this registry answers only to names of this machine');
    return answer(registry, request);
  };
  return async (request, response) => {
    const since = performance.now();
    if (logRequests) response.on('close', () => log(lineOf(request, response, since)));
    // Request bodies have a limit of their own, and nothing moves while a large upload is hashed.
    request.socket.setTimeout(0);
    // If the client has gone, nobody can be told, and nothing went wrong here.
    const reply = await replyTo(request).catch((error: unknown) => (request.socket.destroyed ? undefined : failureReply(error, log)));
    if (reply === undefined) return void response.destroy();
    request.socket.setTimeout(idleMs);
    await writeReply(request, response, reply, idleMs).catch((error: unknown) => {
      if (isPinlaneError(error)) log(error.message);
      response.destroy();
    });
  };
};

/** Sweeps forgotten uploads now, and then from time to time. @returns what ends that */
const keepSwept = async (uploads: UploadSessions, uploadIdleMs: number, log: (line: string) => void): Promise<() => void> => {
  const sweep = () => uploads.sweep(Date.now() - uploadIdleMs).catch((error: Error) => log(`failed: ${error.message}`));
  await sweep();
  const sweeping = setInterval(() => void sweep(), SWEEP_MS).unref();
  return () => clearInterval(sweeping);
};

/**
 * Serves a store as a registry (OCI distribution specification 1.1) to any client, while other processes may use the store. The store's name `<slug>` is the
 * tag `<slug>:latest`, and the other way round; all content of the store can be had by digest.
 * @throws ERR_STORE_LISTEN
 */
export const serveStore = async (options: ServeOptions): Promise<StoreServer> => {
  const { root, host = '127.0.0.1', port = 0, readOnly = false, blobLimit = 16 * GIB, pace = PACE, log = () => undefined, logRequests = true } = options;
  const paths = storePaths(root);
  const store = openStore(root, options.reach === undefined ? {} : { reach: options.reach });
  const uploads = createUploadSessions(paths, blobLimit);
  const onlyLoopback = isLoopbackAddress(host);
  // Ends connections on which nothing moves, because the client asks nothing, or does not read its answer.
  const idleMs = 2 * pace.windowMs;
  const registry: Registry = { store, paths, uploads, blobLimit, pace, readOnly, log };

  if (!readOnly) await createLayout(paths);
  const server = await listenHttp(createHandler(registry, { onlyLoopback, idleMs, log, logRequests }), { host, port, idleMs });
  if (!onlyLoopback) log(`warning: everyone who can reach ${host} may read${readOnly ? '' : ', write and delete'} what is in this store`);
  const stopSweeping = readOnly ? () => undefined : await keepSwept(uploads, options.uploadIdleMs ?? HOUR, log);

  const { address, family, port: taken } = server.address;
  return {
    origin: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    port: taken,
    async close() {
      stopSweeping();
      await server.close(options.closeMs ?? CLOSE_MS);
    },
  };
};
