import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ProcessorRequest } from '@pinlane/contracts';
import { requestsTo, untilTaken } from '../../../src/index.ts';

const PATIENCE = { budgetMs: 20_000, pauseMs: 10, longestMs: 50 };
const run: ProcessorRequest = { method: 'POST', path: '/run', body: '{}' };

let close: () => void = () => undefined;
afterEach(() => close());

/** An app that answers each request by the next of these, and the last again and again. */
const app = async (...answers: readonly ((response: ServerResponse) => unknown)[]) => {
  let asked = 0;
  const server = createServer((_, response) => void answers[Math.min(asked++, answers.length - 1)]!(response));
  const listen = async (port = 0): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  close = () => void server.close().closeAllConnections();
  const port = await listen();
  return { send: requestsTo({ url: `http://127.0.0.1:${port}`, headers: {} }), asked: () => asked, server, again: () => listen(port) };
};
const busy = (after?: string) => (response: ServerResponse) => response.writeHead(503, after === undefined ? {} : { 'retry-after': after }).end('busy');
const done = (response: ServerResponse) => response.end('done');

describe('a request to an app that has other callers', () => {
  it('is sent again until it is taken', async () => {
    const { send, asked } = await app(busy('1'), busy(), busy('no number'), done);
    const answer = await untilTaken(send, PATIENCE)(run);
    expect([answer.status, Buffer.from(answer.body).toString(), asked()]).toEqual([200, 'done', 4]);
  });

  it('is sent again while no version listens', async () => {
    const { send, asked, server, again } = await app(done);
    server.close();
    const waiting = untilTaken(send, PATIENCE)(run);
    await expect(send(run)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await again();
    expect([(await waiting).status, asked()]).toEqual([200, 1]);
  });

  it('is given up when the time is over, with the last answer', async () => {
    const { send } = await app(busy('999999999'));
    expect((await untilTaken(send, { ...PATIENCE, budgetMs: 100 })(run)).status).toBe(503);
  });

  it.each([
    ['an answer of another kind', (response: ServerResponse) => response.writeHead(500).end()],
    ['a connection that breaks', (response: ServerResponse) => response.destroy()],
  ])('is not sent again after %s, for it may have been carried out', async (_, answer) => {
    const { send, asked } = await app(answer, done);
    await untilTaken(send, PATIENCE)(run).catch(() => undefined);
    expect(asked()).toBe(1);
  });

  it('is given up when it is interrupted, with the reason', async () => {
    const { send } = await app(busy('999999999'));
    const interruption = new AbortController();
    const asking = untilTaken(send, { ...PATIENCE, budgetMs: 1e10, longestMs: 1e9 })({ ...run, signal: interruption.signal });
    setTimeout(() => interruption.abort(new Error('enough')), 50);
    await expect(asking).rejects.toThrow('enough');
  });
});
