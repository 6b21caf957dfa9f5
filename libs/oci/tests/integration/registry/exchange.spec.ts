import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import { chunksOf, codeOf } from '@pinlane/testing';
import { openRepository, sha256 } from '../../../src/index.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A server of which every connection is counted. */
const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(answer);
  const seen = { connections: 0 };
  server.on('connection', () => seen.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const retry = { attempts: 2, sleep: async () => undefined };
  return { seen, repository: openRepository(parseRepository(`${host}/team/app`), { auth: async () => undefined, retry, chunks: { above: Infinity } }) };
};

const BLOB = { digest: sha256('x'), size: 1 };

describe('The connection to a registry', () => {
  it('serves request after request', async () => {
    const { seen, repository } = await serve((_, response) => response.writeHead(404, { 'content-length': '600' }).end());
    for (let count = 0; count < 20; count++) expect(await repository.hasBlob(BLOB)).toBe(false);
    // The next request may begin before the last answer is read to its end.
    expect(seen.connections).toBeLessThanOrEqual(2);
  });

  it('serves on after an answer whose body nobody wanted', async () => {
    const { seen, repository } = await serve((_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'.repeat(100)));
    for (let count = 0; count < 5; count++) expect(await repository.tags()).toEqual([]);
    // The next request may begin before the last answer is read to its end.
    expect(seen.connections).toBeLessThanOrEqual(2);
  });

  it('to one that tells no size of a blob takes it at its word that the blob is there', async () => {
    const { repository } = await serve((_, response) => response.writeHead(200).end());
    expect(await repository.hasBlob(BLOB)).toBe(true);
  });

  it('is given up where an unwanted body would take long to read', async () => {
    const { seen, repository } = await serve((request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(403).end();
      response.writeHead(200, { 'content-length': '1000000000' });
      response.write('x');
    });
    expect(await repository.hasBlob({ ...BLOB, size: 1_000_000_000 })).toBe(true);
    expect(await repository.hasBlob({ ...BLOB, size: 1_000_000_000 })).toBe(true);
    expect(seen.connections).toBeGreaterThan(1);
  });
});

describe('A body that is streamed', () => {
  const size = 600_000;
  const takeAll = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    request.on('end', () => response.writeHead(request.method === 'POST' ? 202 : 201, { location: '/upload' }).end());
  };

  it.each([-1, 1])('and is %d bytes longer than announced is not sent to its end', async (more) => {
    const { repository } = await serve(takeAll);
    const bytes = Buffer.alloc(size + more);
    expect(await codeOf(() => repository.putBlob({ digest: sha256(bytes), size }, () => chunksOf(bytes)))).toBe('ERR_DIGEST_MISMATCH');
  });

  it('is no longer read once the registry has refused it', async () => {
    let read = 0;
    const { repository } = await serve((request, response) => {
      if (request.method === 'POST') return takeAll(request, response);
      response.writeHead(403, { 'content-type': 'application/json', connection: 'close' }).end('{"errors":[{"code":"DENIED"}]}');
    });
    const endless = 10_000_000_000;
    const code = await codeOf(() =>
      repository.putBlob({ digest: sha256('endless'), size: endless }, async function* () {
        for (let sent = 0; sent < endless; sent += 65_536) {
          read++;
          yield Buffer.alloc(65_536);
        }
      }),
    );
    expect(['ERR_REGISTRY_DENIED', 'ERR_REGISTRY_UNAVAILABLE']).toContain(code);
    expect(read).toBeLessThan(10_000);
    const before = read;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(read - before).toBeLessThan(5);
  });
});
