import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fail } from '@pinlane/contracts';

/** A server that listens. */
export interface HttpServer {
  readonly address: AddressInfo;
  /** Ends idle connections, gives running requests `closeMs` to finish, and then cuts them. Resolves when their handlers are done. */
  close(closeMs: number): Promise<void>;
}

/** Handles one request to its end; never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Listens for HTTP. Headers must come within 20 seconds, and a connection on which nothing moves for `idleMs` is ended. There is no limit of time for a body
 * here, because a large one takes long.
 * @throws ERR_STORE_LISTEN
 */
export const listenHttp = async (handle: Handler, { host, port, idleMs }: { host: string; port: number; idleMs: number }): Promise<HttpServer> => {
  const running = new Set<Promise<void>>();
  const connected = new Set<Socket>();
  const busy = new Set<Socket>();
  let closing = false;

  // Not by an import, which would load all of fetch: see registry/http/exchange.ts.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ keepAliveTimeout: 120_000, headersTimeout: 20_000, requestTimeout: 0 }, (request, response) => {
    if (closing) response.setHeader('connection', 'close');
    busy.add(request.socket);
    const done = handle(request, response).finally(() => {
      running.delete(done);
      busy.delete(request.socket);
      if (closing) server.closeIdleConnections();
    });
    running.add(done);
  });
  server.setTimeout(idleMs);
  server.on('connection', (socket) => {
    connected.add(socket);
    socket.on('close', () => connected.delete(socket));
  });

  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return fail('ERR_STORE_LISTEN', `${host}:${port} ${code === 'EADDRINUSE' ? 'is taken' : `can't be listened on: ${code}`}`, { cause });
  }

  return {
    address: server.address() as AddressInfo,
    async close(closeMs) {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Node does not count a connection as idle before its first request.
      for (const socket of connected) if (!busy.has(socket)) socket.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), closeMs);
      await closed;
      clearTimeout(cut);
      await Promise.all(running);
    },
  };
};
