import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import { drain, errorOf } from '@pinlane/testing';
import { OCI_INDEX, openRepository, sha256, type RegistryRepository } from '../../../src/index.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** Sends a byte now and then, for ever. */
const drip = (response: ServerResponse, status: number, headers: Record<string, string> = {}): void => {
  response.writeHead(status, headers);
  const timer = setInterval(() => response.write(' '), 10);
  response.once('close', () => clearInterval(timer));
};

/** A registry all of whose answers drip; with `token`, those of its token service alone. */
const dripping = async ({ status = 200, token = false } = {}): Promise<{ repository: RegistryRepository; requests: () => number }> => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const own = `http://${request.headers.host}/token`;
    if (token && request.url?.startsWith('/v2/')) response.writeHead(401, { 'www-authenticate': `Bearer realm="${own}"` }).end();
    else drip(response, status, { 'content-type': OCI_INDEX });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const name = parseRepository(`127.0.0.1:${(server.address() as AddressInfo).port}/team/app`);
  // Longer than between two bytes, so that nothing stands still.
  const repository = openRepository(name, { auth: async () => undefined, idleMs: 200, retry: { attempts: 2, sleep: async () => undefined } });
  return { repository, requests: () => requests };
};

const digest = sha256('x');
const WAYS: readonly [string, (repository: RegistryRepository) => Promise<unknown>][] = [
  ['a manifest', (repository) => repository.readManifest(digest)],
  ['a tag', (repository) => repository.resolve('v1')],
  ['a list of tags', (repository) => repository.tags()],
  ['a list of referrers', (repository) => repository.referrers(digest)],
  ['a blob', (repository) => drain(repository.openBlob({ digest, size: 1_000_000 }))],
];

describe('An answer that drips', () => {
  it.each(WAYS)('is given up, once and for all, if it is %s', async (_, ask) => {
    const { repository, requests } = await dripping();
    expect(await errorOf(() => ask(repository))).toMatchObject({
      code: 'ERR_REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('at less than 8192 bytes a second'),
    });
    expect(requests()).toBe(1);
  });

  it('is given up if it is that of a token service', async () => {
    const { repository } = await dripping({ token: true });
    expect(await errorOf(() => repository.readManifest(digest))).toMatchObject({ message: expect.stringContaining('/token: the answer comes at less than') });
  });

  it.each([400, 404, 503])('does not hide its status if that is %d', async (status) => {
    const { repository } = await dripping({ status });
    expect((await errorOf(() => repository.readManifest(digest))).message).toContain(String(status));
  });

  it('is let go if nobody wants it', async () => {
    const { repository } = await dripping({ status: 404 });
    expect(await repository.tags()).toEqual([]);
  });
});
