import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { sha256 } from '../../../src/content/index.ts';
import { serveStore } from '../../../src/serve/index.ts';
import { answered, serving } from '../../support/serving.ts';

const serve = serving();

describe('A server', () => {
  it('says which address is taken', async () => {
    const { port } = await serve();
    const error = await errorOf(async () => serveStore({ root: join(temporaryFolder('oci'), 'store'), port }));
    expect(error.code).toBe('ERR_STORE_LISTEN');
    expect(error.message).toContain(`127.0.0.1:${port} is taken`);
    // 192.0.2.0/24 belongs to nobody (RFC 5737).
    expect((await errorOf(async () => serveStore({ root: join(temporaryFolder('oci'), 'store'), host: '192.0.2.1' }))).code).toBe('ERR_STORE_LISTEN');
  });

  it('makes no file of its own before something is written but an empty layout, and none where it may only read', async () => {
    const root = join(temporaryFolder('oci'), 'absent');
    const served = await serve({ root, readOnly: true });
    expect(await served.ask('GET', '/v2/app/tags/list')).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' });
    expect(await readdir(root).catch(() => null)).toBeNull();
    const other = await serve();
    expect((await readdir(other.root)).filter((name) => !name.startsWith('.')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('lets requests that run finish when it is closed, and ends connections on which nothing runs', async () => {
    // Longer than the test may take: nothing here may be left to the cut.
    const served = await serve({ closeMs: 600_000 });
    const idle = new Agent({ keepAlive: true });
    await answered(httpRequest({ host: '127.0.0.1', port: served.port, path: '/v2/', agent: idle }).end());
    const silent = connect(served.port, '127.0.0.1');
    await once(silent, 'connect');

    const bytes = randomBytes(100_000);
    const upload = served.begin('POST', `/v2/app/blobs/uploads/?digest=${sha256(bytes)}`, { 'content-length': String(bytes.length) });
    upload.write(bytes.subarray(0, 50_000));
    while ((await readdir(join(served.root, '.pinlane-uploads')).catch(() => [])).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const closed = served.close();
    const answer = answered(upload);
    upload.end(bytes.subarray(50_000));
    expect((await answer).status).toBe(201);
    await closed;
    await expect(served.ask('GET', '/v2/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    silent.destroy();
    idle.destroy();
  });

  it('cuts requests that do not finish, when it is closed', async () => {
    const served = await serve({ closeMs: 50, pace: { windowMs: 600_000, bytes: 1 } });
    const path = await served.startUpload('app');
    const hanging = served.begin('PATCH', path, { 'content-length': '1000' });
    const failed = once(hanging, 'error');
    hanging.write('x');
    while ((await served.ask('GET', path)).headers.range !== '0-0') await new Promise((resolve) => setTimeout(resolve, 5));
    await served.close();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it('writes a line for each request, and none where it is told so', async () => {
    const loud = await serve();
    await loud.ask('GET', '/v2/');
    await loud.close();
    expect(loud.lines).toEqual([expect.stringMatching(/^GET \/v2\/ 200 2 \d+ms$/)]);
    const quiet = await serve({ logRequests: false });
    await quiet.ask('GET', '/v2/');
    await quiet.close();
    expect(quiet.lines).toEqual([]);
  });
});
