import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The host that was addressed: `127.0.0.1:<port>`, or another name of the same server. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A request as it is kept for the test to look at. */
export const seenRequest = ({ method = '', url = '', headers }: IncomingMessage): SeenRequest => ({ method, url, host: headers.host ?? '', headers });

/** The address that a request was sent to. */
export const urlOf = ({ url = '/', headers }: IncomingMessage): URL => new URL(url, `http://${headers.host}`);

/** A server that listens. */
export interface Listening {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Cuts every connection, and resolves when nothing listens any more. */
  close(): Promise<void>;
}

/** Has a server listen on a free port. */
export const listen = async (server: Server): Promise<Listening> => {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
