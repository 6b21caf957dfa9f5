import { createServer as createPlainServer, request as forward, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { urlToHttpOptions } from 'node:url';

/** What a container is started from. */
export interface ContainerPlan {
  /** The image, `repository@sha256:…`, as it was asked for. */
  readonly reference: string;
  /** What the recorded ENV commands set, and above that the values of the secrets. */
  readonly environment: ReadonlyMap<string, string>;
  /** The commands that were recorded on it, the FROM first. */
  readonly commands: readonly string[];
  /** A command that stands in place of the image's own; empty where the image's own runs. */
  readonly arguments: readonly string[];
  readonly port: number;
}

/** A container that runs, and where it is reached: at a URL of loopback, or through a socket. */
export type Container = ({ readonly url: string } | { readonly socketPath: string }) & { readonly stop: () => unknown };

/** Runs a container. */
export type StartContainer = (plan: ContainerPlan) => Promise<Container> | Container;

/** What callers of a Server must show, if its proxy asks for it. */
export interface ProxyToken {
  readonly key: string;
  readonly secret: string;
}

/** A URL on loopback, and what runs behind it. */
export interface Front {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Puts another container behind it. The one before goes on answering the next requests, as many as are kept for it. */
  readonly replace: (next: Backend | null, kept?: number) => void;
  /** Starts what is behind it before anybody asks. */
  readonly wake: () => void;
  /** How many containers were started behind it. */
  readonly woken: () => number;
  readonly close: () => Promise<void>;
}

/** What is behind a front: started by the first request, as a Server that is scaled to zero is. */
export interface Backend {
  readonly start: () => Promise<Container> | Container;
  /** What callers must show; null if anybody may call. */
  readonly token: ProxyToken | null;
}

interface Slot {
  readonly backend: Backend;
  running: Promise<Container> | null;
}

const answer = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
};

const proxied = (container: Container, request: IncomingMessage, response: ServerResponse): void => {
  const { method, headers, url: path = '/' } = request;
  const to = 'socketPath' in container ? { socketPath: container.socketPath, path } : urlToHttpOptions(new URL(path, container.url));
  const out = forward({ ...to, ...(method === undefined ? {} : { method }), headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  out.on('error', () => (response.headersSent ? response.destroy() : answer(response, 502, 'the container does not answer')));
  request.pipe(out);
};

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/**
 * Opens a URL on a port of loopback that stays while what runs behind it is replaced.
 * @param certificate a key and certificate for a tunnel, which is HTTPS; a Server's URL is plain HTTP here
 */
export const openFront = async (certificate?: { readonly key: Buffer; readonly cert: Buffer }): Promise<Front> => {
  let current: Slot | null = null;
  let before: Slot | null = null;
  let left = 0;
  let woken = 0;
  const stopped: Promise<unknown>[] = [];
  const end = (slot: Slot | null): void => {
    if (slot?.running) stopped.push(slot.running.then((container) => container.stop()).catch(() => undefined));
  };
  const begin = async (slot: Slot): Promise<Container> => {
    try {
      const container = await slot.backend.start();
      woken++;
      return container;
    } catch (error) {
      // The next request tries again.
      slot.running = null;
      throw error;
    }
  };
  const listener: RequestListener = (request, response) => {
    const slot = before ?? current;
    if (before !== null && --left === 0) {
      const last = before;
      before = null;
      response.on('close', () => end(last));
    }
    if (slot === null) return answer(response, 404, 'modal-http: app for invoked web endpoint is stopped');
    const { token } = slot.backend;
    if (token && (request.headers['modal-key'] !== token.key || request.headers['modal-secret'] !== token.secret))
      return answer(response, 401, 'modal-http: missing credentials for proxy authorization');
    (slot.running ??= begin(slot)).then(
      (container) => proxied(container, request, response),
      (error: unknown) => answer(response, 503, `the container did not start: ${String(error)}`),
    );
  };
  const server = certificate ? createTlsServer(certificate, listener) : createPlainServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    replace: (next, kept = 0) => {
      end(before);
      before = kept > 0 ? current : null;
      if (before === null) end(current);
      left = kept;
      current = next && { backend: next, running: null };
    },
    wake: () => void (current !== null && (current.running ??= begin(current)).catch(() => undefined)),
    woken: () => woken,
    close: async () => {
      end(before);
      end(current);
      before = current = null;
      await close(server);
      await Promise.all(stopped);
    },
  };
};
