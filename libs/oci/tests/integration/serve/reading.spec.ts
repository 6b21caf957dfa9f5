import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { jsonBytes, makeImage, putImage } from '@pinlane/testing';
import { OCI_INDEX, sha256 } from '../../../src/content/index.ts';
import { pushImage, serving } from '../../support/serving.ts';

const serve = serving();

describe('A blob', () => {
  it.each([
    ['bytes=0-0', 206, '0-0'],
    ['bytes=10-19', 206, '10-19'],
    ['bytes=990-', 206, '990-999'],
    ['bytes=990-5000', 206, '990-999'],
    ['bytes=-10', 206, '990-999'],
    ['bytes=-5000', 206, '0-999'],
    ['bytes=0-999', 206, '0-999'],
    ['bytes=1000-', 416, ''],
    ['bytes=-0', 416, ''],
    ['bytes=20-10', 416, ''],
    ['bytes=', 200, ''],
    ['bytes=0-1,5-6', 200, ''],
    ['lines=1-2', 200, ''],
  ])('is given in the part that is asked for: %s', async (range, status, part) => {
    const served = await serve();
    const bytes = randomBytes(1000);
    const path = `/v2/app/blobs/${await served.putBlob('app', bytes)}`;
    const answer = await served.ask('GET', path, { headers: { range } });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.body.equals(bytes)).toBe(true);
    if (status === 416) expect(answer.headers['content-range']).toBe('bytes */1000');
    if (status !== 206) return;
    const [first, last] = part.split('-').map(Number) as [number, number];
    expect(answer.headers['content-range']).toBe(`bytes ${part}/1000`);
    expect(answer.body.equals(bytes.subarray(first, last + 1))).toBe(true);
    expect(answer.headers['content-length']).toBe(String(last + 1 - first));
  });

  it('that is empty is given whole, and has no part', async () => {
    const served = await serve();
    const path = `/v2/app/blobs/${await served.putBlob('app', Buffer.alloc(0))}`;
    expect(await served.ask('GET', path)).toMatchObject({ status: 200, headers: { 'content-length': '0' } });
    expect((await served.ask('GET', path, { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  it.each([
    ['altered', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])])],
    ['altered at its beginning', (bytes: Buffer) => Buffer.concat([Buffer.from([bytes[0]! ^ 1]), bytes.subarray(1)])],
  ])('that was %s on the disk is never given to its end, and the log says which', async (_, spoil) => {
    const served = await serve();
    const bytes = randomBytes(1_000_000);
    const digest = await served.putBlob('app', bytes);
    await writeFile(join(served.root, 'blobs/sha256', digest.slice(7)), spoil(bytes));
    await expect(served.ask('GET', `/v2/app/blobs/${digest}`)).rejects.toThrow(/aborted/);
    await served.close();
    expect(served.lines.join('\n')).toContain(`ERR_STORE_CORRUPT: blob ${digest} was altered`);
  });

  it('is let go of where the client goes away midway', async () => {
    const served = await serve();
    const digest = await served.putBlob('app', randomBytes(20_000_000));
    const request = get({ host: '127.0.0.1', port: served.port, path: `/v2/app/blobs/${digest}`, agent: false });
    const [response] = await once(request, 'response');
    await once(response, 'readable');
    response.destroy();
    // Closing waits for all answers: this one does not hold it up.
    await served.close();
    expect(served.lines.at(-1)).toMatch(new RegExp(`^GET /v2/app/blobs/${digest} 200 20000000 \\d+ms cut$`));
  });
});

/** Files below a folder that this process holds open; only Linux tells. */
const openBelow = async (folder: string): Promise<string[]> => {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((path) => path.startsWith(`${folder}/`));
};

(process.platform === 'linux' ? describe : describe.skip)('A file of the store', () => {
  it('is closed when it was given, in part, whole, to nobody, or not at all', async () => {
    const served = await serve();
    const path = `/v2/app/blobs/${await served.putBlob('app', randomBytes(3_000_000))}`;
    for (const headers of [{}, { range: 'bytes=5-9' }, { range: 'bytes=9-5' }, { range: 'bytes=0-2000000' }]) await served.ask('GET', path, { headers });
    const leaving = served.begin('GET', path);
    leaving.on('error', () => undefined);
    leaving.end();
    await once(leaving, 'response');
    leaving.destroy();
    await served.close();
    expect(await openBelow(served.root)).toEqual([]);
  });
});

describe('HEAD', () => {
  it('says what GET says, without the body, of everything', async () => {
    const served = await serve();
    const image = makeImage();
    await pushImage(served, 'app', image, 'v1');
    const upload = await served.startUpload('app');
    const { digest } = image.index.descriptor;
    for (const path of [
      '/v2/',
      '/v2/app/tags/list',
      '/v2/app/manifests/v1',
      `/v2/app/manifests/${digest}`,
      `/v2/app/manifests/${digest.replace(':', '%3A')}`,
      `/v2/app/blobs/${image.blobs[0]!.descriptor.digest}`,
      `/v2/app/referrers/${digest}`,
      upload,
      '/v2/app/manifests/absent',
      `/v2/app/blobs/${sha256('absent')}`,
      '/v2/none/tags/list',
    ]) {
      const [head, whole] = [await served.ask('HEAD', path), await served.ask('GET', path)];
      const { date: _, ...headers } = whole.headers;
      expect(head).toMatchObject({ status: whole.status, headers });
      expect(head.body.length).toBe(0);
    }
  });
});

describe('The registry', () => {
  it('says what it does not do, and what it does instead', async () => {
    const served = await serve();
    expect(await served.ask('POST', '/v2/app/manifests/v1')).toMatchObject({ status: 405, code: 'UNSUPPORTED', headers: { allow: 'GET, HEAD, PUT, DELETE' } });
    expect(await served.ask('DELETE', '/v2/app/tags/list')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    for (const path of ['/', '/v1/', '/v2/app', '/v2/app/', '/v2/app/manifests/', '/v2/app/tags', '/v2/app/blobs', '//v2/'])
      expect((await served.ask('GET', path)).status).toBe(404);
  });

  it('that may only be read is changed by nothing, not even by being asked', async () => {
    const image = makeImage();
    const writer = await serve();
    await putImage(writer.store, image);
    await writer.store.name('app', image.index.descriptor);
    const served = await serve({ root: writer.root, readOnly: true });
    const { digest } = image.index.descriptor;
    for (const [method, path] of [
      ['POST', '/v2/app/blobs/uploads/'],
      ['POST', `/v2/other/blobs/uploads/?mount=${image.blobs[0]!.descriptor.digest}&from=app`],
      ['PUT', '/v2/app/manifests/v2'],
      ['DELETE', '/v2/app/manifests/latest'],
      ['DELETE', `/v2/app/blobs/${image.blobs[0]!.descriptor.digest}`],
    ] as const)
      expect(await served.ask(method, path, { body: image.index.bytes, headers: { 'content-type': OCI_INDEX } })).toMatchObject({
        status: 405,
        code: 'UNSUPPORTED',
      });
    expect((await served.ask('GET', `/v2/app/manifests/${digest}`)).body.equals(image.index.bytes)).toBe(true);
    expect([...(await served.store.names()).keys()]).toEqual(['app']);
  });

  it('tells its own failures to its log alone', async () => {
    const served = await serve();
    await writeFile(join(served.root, 'index.json'), 'rotten');
    const { status, body } = await served.ask('GET', '/v2/app/manifests/latest');
    expect(status).toBe(500);
    expect(body.toString()).toBe(JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'ERR_STORE_CORRUPT: see the log of the server' }] }));
    expect(served.lines.join('\n')).toContain(served.root);
    expect(body.toString()).not.toContain(served.root);
  });

  it('answers what is no HTTP, and goes on', async () => {
    const served = await serve();
    const socket = connect(served.port, '127.0.0.1');
    socket.end('SSH-2.0-hello\r\n\r\n');
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await served.ask('GET', '/v2/')).status).toBe(200);
  });

  it('lists nothing for a manifest that only looks like one', async () => {
    const served = await serve();
    const digest = await served.putBlob('app', jsonBytes({ schemaVersion: 2, subject: { digest: sha256('x') } }));
    expect((await served.ask('GET', `/v2/app/referrers/${digest}`)).status).toBe(200);
    expect((await served.ask('GET', `/v2/app/manifests/${digest}`)).status).toBe(404);
  });
});
