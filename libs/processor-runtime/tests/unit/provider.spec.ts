import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { askProvider, readJsonObject, retryDelay } from '../../src/index.ts';

describe('asking a provider', () => {
  let server: Server | undefined;
  const { signal } = new AbortController();
  const listen = (answer: (request: IncomingMessage, response: ServerResponse, n: number) => void): Promise<URL> => {
    let n = 0;
    const started = createServer((request, response) => answer(request, response, (n += 1)));
    server = started;
    return new Promise((resolve) => started.listen(0, '127.0.0.1', () => resolve(new URL(`http://127.0.0.1:${(started.address() as AddressInfo).port}/x`))));
  };
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it.each([429, 503])('tries again after a %i, when the provider says', async (status) => {
    const url = await listen((_, response, n) => response.writeHead(n < 3 ? status : 200, { 'retry-after': '0' }).end('{"n":1}'));
    expect(await readJsonObject(url, await askProvider(url, { signal }), signal)).toEqual({ n: 1 });
  });

  it('gives up in the end, and quotes the last answer', async () => {
    const url = await listen((_, response) => response.writeHead(429, { 'retry-after': '0' }).end('too many'));
    await expect(askProvider(url, { signal })).rejects.toMatchObject({ code: 'ERR_PROVIDER', message: `${url.host} answered 429: too many` });
  });

  it('does not send a request again that the provider may have begun', async () => {
    let asked = 0;
    const url = await listen((_, response, n) => {
      asked = n;
      response.writeHead(500).end('broken');
    });
    await expect(askProvider(url, { method: 'POST', json: {}, signal })).rejects.toMatchObject({ code: 'ERR_PROVIDER' });
    expect(asked).toBe(1);
  });

  it('follows no redirect, which would take the token elsewhere', async () => {
    const url = await listen((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end());
    await expect(askProvider(url, { signal })).rejects.toMatchObject({ code: 'ERR_PROVIDER' });
  });

  it('says ERR_PROVIDER where nobody listens', async () => {
    const url = await listen(() => {});
    server?.close();
    await expect(askProvider(url, { signal })).rejects.toMatchObject({ code: 'ERR_PROVIDER', message: expect.stringContaining('ECONNREFUSED') });
  });

  it.each([
    ['what is not JSON', '<html>', 'answered with what is not JSON'],
    ['a list', '[]', 'answered with JSON that is not an object'],
  ])('says ERR_PROVIDER for %s', async (_, body, message) => {
    const url = await listen((_request, response) => response.end(body));
    await expect(readJsonObject(url, await askProvider(url, { signal }), signal)).rejects.toMatchObject({
      code: 'ERR_PROVIDER',
      message: `${url.host} ${message}`,
    });
  });

  it('leaves an abort of the run as it is', async () => {
    const abort = new AbortController();
    const url = await listen(() => abort.abort(new Error('time is up')));
    await expect(askProvider(url, { signal: abort.signal })).rejects.toThrow('time is up');
  });

  it('waits as Retry-After says, as seconds or as a date, and never longer than half a minute', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryDelay(0, '3', now)).toBe(3_000);
    expect(retryDelay(0, 'Thu, 01 Jan 2026 00:00:02 GMT', now)).toBe(2_000);
    expect(retryDelay(0, '86400', now)).toBe(30_000);
    expect(retryDelay(0, '-5', now)).toBe(0);
    expect([0, 1, 2].map((attempt) => retryDelay(attempt, null, now))).toEqual([500, 1_000, 2_000]);
    expect(retryDelay(1, 'soon', now)).toBe(1_000);
  });
});
