import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import { chunksOf, codeOf, startFaultyProxy, startRegistry, type FaultyProxy, type ProxyRule, type RegistryOptions, type SeenRequest } from '@pinlane/testing';
import { openRepository, sha256, type RepositoryOptions } from '../../../src/index.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const start = async (options: RegistryOptions = {}, sizes = [1000]) => {
  const registry = await startRegistry(options);
  const proxy = await startFaultyProxy({ upstream: registry.host });
  closing.push(registry.close, proxy.close);
  const more: RepositoryOptions = { chunks: { above: 1000, sizes } };
  const retry = { sleep: async () => undefined, random: () => 0 };
  return { registry, proxy, repository: openRepository(parseRepository(`${proxy.host}/team/app`), { auth: async () => undefined, retry, ...more }) };
};

/** 4,500 bytes, read in pieces that fit no chunk; counts how often they are read from the start. */
const blobOf = (size = 4500) => {
  const bytes = randomBytes(size);
  const blob = { digest: sha256(bytes), size };
  const read = { count: 0 };
  const open = () => {
    read.count++;
    return chunksOf(bytes, 333);
  };
  return { bytes, blob, open, read };
};

const isPatch = ({ method }: SeenRequest) => method === 'PATCH';
const nth = (which: number, is: ProxyRule['when']): ProxyRule['when'] => {
  let seen = 0;
  return (request) => is(request) && ++seen === which;
};
const ranges = ({ requests }: FaultyProxy) => requests.filter(isPatch).map(({ headers }) => headers['content-range']);
const methods = ({ requests }: FaultyProxy) => requests.map(({ method }) => method);

describe('A large blob', () => {
  it('goes in chunks that follow on one another, read once', async () => {
    const { registry, proxy, repository } = await start();
    const { bytes, blob, open, read } = blobOf();
    await repository.putBlob(blob, open);
    expect(ranges(proxy)).toEqual(['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4499']);
    expect(methods(proxy)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
    expect(Buffer.from(registry.blobs.get(blob.digest)!).equals(bytes)).toBe(true);
    expect(read.count).toBe(1);
  });

  it('up to the threshold goes whole', async () => {
    const { proxy, repository } = await start();
    const { blob, open } = blobOf(1000);
    await repository.putBlob(blob, open);
    expect(methods(proxy)).toEqual(['POST', 'PUT']);
  });

  it('that breaks off goes on from where the registry has it', async () => {
    const { registry, proxy, repository } = await start();
    const { blob, open, read } = blobOf();
    proxy.rules.push({ when: nth(3, isPatch), fault: { kind: 'reset' } });
    await repository.putBlob(blob, open);
    expect(ranges(proxy)).toEqual(['0-999', '1000-1999', '2000-2999', '2000-2999', '3000-3999', '4000-4499']);
    expect(methods(proxy).filter((method) => method === 'GET' || method === 'POST')).toEqual(['POST', 'GET']);
    expect(read.count).toBe(2);
    expect(registry.blobs.has(blob.digest)).toBe(true);
  });

  it('whose chunk arrived while its answer was lost goes on behind it', async () => {
    const { proxy, repository } = await start();
    const { blob, open } = blobOf();
    proxy.rules.push({ when: nth(2, isPatch), fault: { kind: 'lose-answer' } });
    await repository.putBlob(blob, open);
    expect(ranges(proxy)).toEqual(['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4499']);
  });

  it('whose end arrived while its answer was lost is not sent again', async () => {
    const { proxy, repository } = await start();
    const { blob, open } = blobOf();
    proxy.rules.push({ when: ({ method }) => method === 'PUT', times: 1, fault: { kind: 'lose-answer' } });
    await repository.putBlob(blob, open);
    expect(methods(proxy).filter((method) => method !== 'PATCH')).toEqual(['POST', 'PUT', 'GET', 'HEAD']);
  });

  it('of which the registry forgot the upload is begun anew, and not for ever', async () => {
    const { proxy, registry, repository } = await start();
    const { blob, open } = blobOf();
    const gone = { kind: 'answer', status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' } as const;
    proxy.rules.push({ when: nth(3, isPatch), fault: gone }, { when: ({ method }) => method === 'GET', times: 1, fault: gone });
    await repository.putBlob(blob, open);
    expect(methods(proxy).filter((method) => method === 'POST')).toHaveLength(2);
    registry.blobs.clear();
    proxy.requests.length = 0;
    proxy.rules.push({ when: isPatch, fault: gone }, { when: ({ method }) => method === 'GET', fault: gone });
    expect(await codeOf(() => repository.putBlob(blob, open))).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(methods(proxy).filter((method) => method === 'POST')).toHaveLength(7);
  });

  it('whose chunks the registry takes and forgets, again and again, is given up', async () => {
    const { proxy, repository } = await start();
    const { blob, open } = blobOf();
    proxy.rules.push(
      // Without a bound the failure of the test itself would never come.
      { when: () => proxy.requests.length > 200, fault: { kind: 'answer', status: 403 } },
      { when: isPatch, fault: { kind: 'answer', status: 202 } },
      { when: ({ method }) => method === 'PUT', fault: { kind: 'answer', status: 500 } },
      { when: ({ method }) => method === 'GET', fault: { kind: 'answer', status: 204, headers: { range: '0-0' } } },
    );
    expect(await codeOf(() => repository.putBlob(blob, open))).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(methods(proxy).filter((method) => method === 'PUT')).toHaveLength(7);
  });

  it('goes in chunks as large as the registry wants them', async () => {
    const { proxy, repository } = await start({ smallestChunk: 2000 });
    const { blob, open } = blobOf();
    await repository.putBlob(blob, open);
    expect(ranges(proxy)).toEqual(['0-1999', '2000-3999', '4000-4499']);
  });

  it('goes in smaller chunks where the registry refuses large ones, which is found out once', async () => {
    const { proxy, repository } = await start({ largestChunk: 1000 }, [4000, 1000]);
    const first = blobOf();
    await repository.putBlob(first.blob, first.open);
    expect(ranges(proxy)[0]).toBe('0-3999');
    expect(ranges(proxy).slice(1)).toHaveLength(5);
    proxy.requests.length = 0;
    const second = blobOf();
    await repository.putBlob(second.blob, second.open);
    expect(ranges(proxy)).toHaveLength(5);
  });

  it('goes whole where the registry takes no chunks', async () => {
    const { proxy, registry, repository } = await start({ largestChunk: 10 }, [4000, 1000]);
    const { blob, open } = blobOf();
    await repository.putBlob(blob, open);
    expect(methods(proxy)).toEqual(['POST', 'PATCH', 'POST', 'PATCH', 'POST', 'PUT']);
    expect(registry.blobs.has(blob.digest)).toBe(true);
  });

  it.each([405, 501])('goes whole where a chunk is refused with %d, as what stands before a registry may', async (status) => {
    const { proxy, registry, repository } = await start();
    const { blob, open } = blobOf();
    proxy.rules.push({ when: isPatch, fault: { kind: 'answer', status } });
    await repository.putBlob(blob, open);
    expect(methods(proxy)).toEqual(['POST', 'PATCH', 'POST', 'PUT']);
    expect(registry.blobs.has(blob.digest)).toBe(true);
  });

  it('goes whole where the registry got its chunks wrong', async () => {
    const { proxy, registry, repository } = await start();
    const { blob, open } = blobOf();
    // Says that it has the second chunk, and all that come after it; has none of them.
    proxy.rules.push({
      when: (request) => isPatch(request) && !request.headers['content-range']?.toString().startsWith('0-'),
      fault: { kind: 'answer', status: 202 },
    });
    await repository.putBlob(blob, open);
    expect(methods(proxy).slice(-3)).toEqual(['PUT', 'POST', 'PUT']);
    expect(registry.blobs.has(blob.digest)).toBe(true);
  });

  it('is sent to the address that each answer names', async () => {
    const { proxy, repository } = await start();
    const { blob, open } = blobOf();
    proxy.rules.push({ when: nth(2, isPatch), fault: { kind: 'headers', headers: { location: '/v2/team/app/blobs/uploads/moved?state=a%2Bb' } } });
    proxy.rules.push({ when: ({ url }) => url.includes('/moved'), fault: { kind: 'answer', status: 403 } });
    expect(await codeOf(() => repository.putBlob(blob, open))).toBe('ERR_REGISTRY_DENIED');
  });

  it.each([
    ['shorter', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
  ])('that is %s than announced is not put', async (_, spoil) => {
    const { registry, repository } = await start();
    const { bytes, blob } = blobOf();
    expect(await codeOf(() => repository.putBlob(blob, () => chunksOf(spoil(bytes), 333)))).toBe('ERR_DIGEST_MISMATCH');
    expect(registry.blobs.size).toBe(0);
  });
});
