import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The address of an app on the loopback: it stays while processors come and go behind it. */
export interface Front {
  /** Listens on a port; 0 takes a free one. Waits so long for one that is taken. @returns the port @throws EADDRINUSE */
  listen(port: number, patienceMs: number): Promise<number>;
  /** Leaves the port to another; what is open goes on. */
  release(): void;
  /** Ends what is open, too. */
  close(): Promise<void>;
}

/** The longest request head that is waited for before a connection without a processor is answered, in ms. */
const REFUSAL_MS = 50;
const BODY = '{"status":"error","error":{"code":"ERR_BUSY","message":"the processor is not running"}}';
const REFUSAL = `HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`;

/** Carries each connection whole to the processor's socket. @param target the socket; null while no processor runs, which is answered with 503 */
export const createFront = (target: () => string | null): Front => {
  const open = new Set<Socket>();
  const refuse = async (here: Socket): Promise<void> => {
    here.resume();
    await sleep(REFUSAL_MS);
    here.end(REFUSAL);
  };
  const server = createServer({ allowHalfOpen: true }, (here) => {
    open.add(here);
    here.on('error', () => here.destroy());
    here.once('close', () => open.delete(here));
    const path = target();
    if (path === null) return void refuse(here);
    const there = connect({ path, allowHalfOpen: true });
    let connected = false;
    there.once('connect', () => {
      connected = true;
      here.pipe(there);
      there.pipe(here);
    });
    there.on('error', () => (connected ? here.destroy() : void refuse(here)));
    there.once('close', () => (there.readableEnded ? undefined : connected && here.destroy()));
    here.once('close', () => there.destroy());
  });
  const listenOnce = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  return {
    listen: async (port, patienceMs) => {
      const giveUp = performance.now() + patienceMs;
      for (;;)
        try {
          return await listenOnce(port);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() > giveUp) throw error;
          await sleep(20);
        }
    },
    release: () => void server.close(),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
};
