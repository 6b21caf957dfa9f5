import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Repository } from '@pinlane/contracts';
import { codeOf, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import { openStore } from '../../../src/index.ts';
import { blobRequests, leaveLayers, opened } from '../../support/left-base.ts';
import { serving } from '../../support/serving.ts';

const serve = serving();
let registry: TestRegistry;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  registry = await startRegistry();
  closing.push(registry.close);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});
const reach = { open: (repository: Repository) => opened(repository, { idleMs: 200, retry: { attempts: 2 } }) };

/** A served store whose layers are in a registry. */
const servedWith = async (options: Parameters<typeof serve>[0] = {}) => {
  const root = join(temporaryFolder('oci'), 'store');
  const left = await leaveLayers(openStore(root), registry, 'team/base');
  return { ...left, ...(await serve({ root, ...options })), layer: left.layers[0]! };
};

describe('A layer that the served store left in a registry', () => {
  it('is told of without being fetched, and fetched once when it is asked for', async () => {
    const { ask, layer } = await servedWith({ reach });
    const path = `/v2/any/blobs/${layer.digest}`;
    expect(await ask('HEAD', path)).toMatchObject({ status: 200, headers: { 'content-length': String(layer.size) } });
    expect(registry.requests).toEqual([]);
    expect((await ask('GET', path)).body.equals(Buffer.from(layer.bytes))).toBe(true);
    expect((await ask('GET', path, { headers: { range: 'bytes=1-2' } })).body.equals(Buffer.from(layer.bytes).subarray(1, 3))).toBe(true);
    expect(blobRequests(registry, 'GET')).toEqual([layer.digest]);
  });

  it('is a part of the image that a client puts', async () => {
    const { ask, image } = await servedWith({ reach });
    const [{ bytes, descriptor }] = image.platforms as never as [{ bytes: Uint8Array; descriptor: { mediaType: string } }];
    const put = await ask('PUT', '/v2/any/manifests/tag', { body: bytes, headers: { 'content-type': descriptor.mediaType } });
    expect(put.status).toBe(201);
  });

  it.each([
    ['is gone', 404, 404, 'BLOB_UNKNOWN'],
    ['is in a registry that is down', 503, 503, 'UNKNOWN'],
  ])('that %s is told by name to the client and in the log', async (_, status, answered, code) => {
    const { ask, layer, lines, root, known } = await servedWith({ reach });
    registry.faults.push({ when: ({ url }) => url.includes('/blobs/'), fault: { kind: 'answer', status } });
    const answer = await ask('GET', `/v2/any/blobs/${layer.digest}`);
    expect(answer).toMatchObject({ status: answered, code });
    for (const text of [answer.body.toString(), lines.join('\n')])
      for (const part of [layer.digest, `${known.path}@${known.digest}`]) expect(text).toContain(part);
    expect(await codeOf(() => openStore(root).readBlob(layer.digest, 1000))).toBe('ERR_STORE_CORRUPT');
  });

  it('is named where the server reaches no registry', async () => {
    const { ask, layer, known } = await servedWith();
    const { status, body } = await ask('GET', `/v2/any/blobs/${layer.digest}`);
    expect(status).toBe(404);
    expect(body.toString()).toContain(`${known.host}/${known.path}@${known.digest}`);
  });

  it('is not there in a repository in which it was deleted', async () => {
    const { ask, layer } = await servedWith({ reach });
    const path = `/v2/any/blobs/${layer.digest}`;
    await ask('GET', path);
    expect((await ask('DELETE', path)).status).toBe(202);
    expect((await ask('GET', path)).status).toBe(404);
    expect((await ask('HEAD', path)).status).toBe(404);
  });
});
