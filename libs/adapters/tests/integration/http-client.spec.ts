import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ProcessorRequest } from '@pinlane/contracts';
import { ANSWER_LIMITS, sendRequest } from '../../src/index.ts';

jest.setTimeout(60_000);

/** Writes again and again for as long as the other side takes it. */
const endlessly = (socket: Socket, piece: string | Buffer): void => {
  const write = (): void => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', write);
  };
  write();
};

const drip = (socket: Socket, piece: string): void => {
  const timer = setInterval(() => socket.write(piece), 5);
  socket.once('close', () => clearInterval(timer));
};

const OK = 'HTTP/1.1 200 OK\r\n';

describe('an answer of a processor', () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server?.close();
  });

  const ask = async (answer: (socket: Socket) => void, more: Partial<ProcessorRequest> = {}) => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('data', () => answer(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return sendRequest({ port: (server.address() as AddressInfo).port }, { method: 'GET', path: '/x', timeoutMs: 20_000, ...more });
  };

  const HOSTILE: readonly (readonly [string, (socket: Socket) => void, RegExp, Partial<ProcessorRequest>?])[] = [
    [
      'a body without end',
      (socket) => (socket.write(`${OK}\r\n`), endlessly(socket, Buffer.alloc(65_536, 'x'))),
      /^the answer to GET \/x has more than 8388608 bytes$/,
    ],
    [
      'chunks without end',
      (socket) => (socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`), endlessly(socket, `1000\r\n${'x'.repeat(4096)}\r\n`)),
      /more than 8388608 bytes/,
    ],
    [
      'events without end',
      (socket) => (socket.write(`${OK}content-type: text/event-stream\r\n\r\n`), endlessly(socket, 'event: progress\ndata: {}\n\n')),
      /more than 8388608 bytes/,
    ],
    [
      'a length of gigabytes',
      (socket) => (socket.write(`${OK}content-length: 3000000000\r\n\r\n`), endlessly(socket, Buffer.alloc(65_536))),
      /more than 8388608/,
    ],
    ['header lines without end', (socket) => (socket.write(OK), endlessly(socket, `x-${'y'.repeat(100)}: z\r\n`)), /has a header of more than 16384 bytes/],
    ['a header line without end', (socket) => (socket.write(`${OK}x: `), endlessly(socket, 'y'.repeat(1000))), /has a header of more than 16384 bytes/],
    [
      'a status line without end',
      (socket) => (socket.write('HTTP/1.1 200 '), endlessly(socket, 'O'.repeat(1000))),
      /header of more than 16384 bytes|Parse Error/,
    ],
    ['interim answers without end', (socket) => endlessly(socket, 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), /more than 16 interim answers/],
    ['interim answers of another kind', (socket) => endlessly(socket, 'HTTP/1.1 100 Continue\r\n\r\n'), /more than 16 interim answers/],
    ['another protocol', (socket) => socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'), /another protocol than HTTP/],
    ['no HTTP', (socket) => endlessly(socket, 'SSH-2.0-x\r\n'), /Parse Error/],
    ['half a body', (socket) => socket.end(`${OK}content-length: 10\r\n\r\nx`), /aborted|ended before the answer/],
    ['nothing', (socket) => socket.end(), /socket hang up|ended/],
    ['silence', () => {}, /^no whole answer to GET \/x within 300 ms$/, { timeoutMs: 300 }],
    ['a header that drips', (socket) => (socket.write(OK), drip(socket, 'x: y\r\n')), /no whole answer .* within 300 ms/, { timeoutMs: 300 }],
    ['a body that drips', (socket) => (socket.write(`${OK}\r\n`), drip(socket, 'x')), /no whole answer .* within 300 ms/, { timeoutMs: 300 }],
    [
      'chunk extensions without end',
      (socket) => (socket.write(`${OK}transfer-encoding: chunked\r\n\r\n1;`), endlessly(socket, 'a=b;')),
      /Parse Error|no whole answer|aborted/,
      { timeoutMs: 1500 },
    ],
    [
      'trailers without end',
      (socket) => (socket.write(`${OK}transfer-encoding: chunked\r\n\r\n0\r\n`), endlessly(socket, 'x: y\r\n')),
      /header of more than 16384 bytes|Parse Error|no whole answer/,
      { timeoutMs: 1500 },
    ],
  ];

  it.each(HOSTILE.map(([what, answer, message, more = {}]) => ({ what, answer, message, more })))(
    'is none if it is $what',
    async ({ answer, message, more }) => {
      await expect(ask(answer, more)).rejects.toThrow(message);
    },
  );

  it('is not followed elsewhere', async () => {
    const response = await ask((socket) => socket.end('HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n'));
    expect([response.status, response.headers['location']]).toEqual([302, '/x']);
  });

  it('is taken up to the limit, to the byte', async () => {
    const body = Buffer.alloc(ANSWER_LIMITS.bodyBytes, 'x');
    expect((await ask((socket) => (socket.write(`${OK}content-length: ${body.length}\r\n\r\n`), socket.end(body)))).body).toHaveLength(body.length);
  });

  it('is waited for no longer once the signal comes, and not asked for after it', async () => {
    const stop = new AbortController();
    const asked = ask(() => stop.abort(new Error('enough')), { signal: stop.signal });
    await expect(asked).rejects.toThrow('enough');
    await expect(sendRequest({ port: 1 }, { method: 'GET', path: '/', signal: stop.signal })).rejects.toThrow('enough');
  });

  it('leaves no connection behind', async () => {
    await ask((socket) => socket.write(`${OK}content-length: 1\r\nconnection: keep-alive\r\n\r\nx`));
    const [socket] = sockets;
    if (!socket?.destroyed) await once(socket as Socket, 'close');
    expect(socket?.destroyed).toBe(true);
  });
});
