import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** How a door is: open, shut so that nobody can connect, open to nobody who says a word, or with somebody who sends all away. */
export type DoorState = 'open' | 'refuses' | 'silent' | '503';

/** The way to a server, which can be closed and opened again at the same address. */
export interface Door {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Cuts what is connected, and is another from now on. */
  be(state: DoorState): Promise<void>;
  close(): Promise<void>;
}

const SENT_AWAY = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

/** Opens a door before a server. @param to its host and port */
export const openDoor = async (to: string): Promise<Door> => {
  const [hostname, behind] = to.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let state: DoorState = 'open';
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const answer = (here: Socket): void => {
    keep(here);
    if (state === 'silent') return void here.resume();
    if (state === '503') return void here.once('data', () => here.end(SENT_AWAY));
    const there = keep(connect(Number(behind), hostname));
    here.pipe(there).pipe(here);
    here.on('close', () => there.destroy());
    there.on('close', () => here.destroy());
  };
  let server: Server | null = null;
  let port = 0;
  const open = async (): Promise<void> => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    const closed = server === null ? null : new Promise<void>((resolve) => server!.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
    server = null;
  };
  await open();
  return {
    host: `127.0.0.1:${port}`,
    close,
    be: async (next) => {
      await close();
      state = next;
      if (next !== 'refuses') await open();
    },
  };
};
