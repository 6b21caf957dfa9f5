import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeImage } from '@pinlane/testing';
import { sha256 } from '../../../src/content/index.ts';
import { answered, pushImage, serving, type Served } from '../../support/serving.ts';

const serve = serving();

const uploadsOf = ({ root }: Served): Promise<string[]> => readdir(join(root, '.pinlane-uploads')).catch(() => []);
const blobsOf = ({ root }: Served): Promise<string[]> => readdir(join(root, 'blobs/sha256')).catch(() => []);

/** Asks until it is so; what is waited for happens when the server notices that a connection is gone. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const giveUp = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > giveUp) throw new Error('it has not come to what was waited for');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Sends some of a body and cuts the connection when it has arrived. */
const cutAfter = async (served: Served, method: string, path: string, bytes: Uint8Array, headers: Record<string, string>): Promise<void> => {
  const request = served.begin(method, path, headers);
  request.on('error', () => undefined);
  request.write(bytes);
  await until(async () => {
    const sizes = await Promise.all((await uploadsOf(served)).map(async (name) => (await readFile(join(served.root, '.pinlane-uploads', name))).length));
    return sizes.some((size) => size >= bytes.length);
  });
  const closed = new Promise((resolve) => request.on('close', resolve));
  request.destroy();
  await closed;
};

describe('An upload', () => {
  it('goes on after a restart of the server where it was left', async () => {
    const bytes = randomBytes(300_000);
    const first = await serve();
    const path = await first.startUpload('app');
    await cutAfter(first, 'PATCH', path, bytes.subarray(0, 100_000), { 'content-range': '0-199999', 'content-length': '200000' });
    await first.close();

    const second = await serve({ root: first.root });
    const status = await second.ask('GET', path);
    expect([status.status, status.headers.range]).toEqual([204, '0-99999']);
    const patched = await second.ask('PATCH', status.headers.location!, {
      headers: { 'content-range': '100000-249999' },
      body: bytes.subarray(100_000, 250_000),
    });
    expect([patched.status, patched.headers.range]).toEqual([202, '0-249999']);
    const done = await second.ask('PUT', `${patched.headers.location}?digest=${sha256(bytes)}`, { body: bytes.subarray(250_000) });
    expect(done.status).toBe(201);
    expect((await second.ask('GET', done.headers.location!)).body.equals(bytes)).toBe(true);
    expect(await uploadsOf(second)).toEqual([]);
  });

  it('that is cut off and was never to be continued leaves nothing', async () => {
    const served = await serve();
    const digest = sha256(randomBytes(10));
    await cutAfter(served, 'POST', `/v2/app/blobs/uploads/?digest=${digest}`, randomBytes(70_000), { 'content-length': '100000' });
    await until(async () => (await uploadsOf(served)).length === 0);
    expect(await blobsOf(served)).toEqual([]);
  });

  it('whose last request is cut off can be sent again from where that began', async () => {
    const bytes = randomBytes(200_000);
    const served = await serve();
    const path = await served.startUpload('app');
    const put = `${path}?digest=${sha256(bytes)}`;
    await cutAfter(served, 'PUT', put, bytes.subarray(0, 90_000), { 'content-length': '200000' });
    expect((await served.ask('PUT', put, { body: bytes })).status).toBe(201);
  });

  it('belongs to whoever asks last, where a client comes back before its old connection is gone', async () => {
    const bytes = randomBytes(150_000);
    const served = await serve();
    const path = await served.startUpload('app');
    const old = served.begin('PATCH', path, { 'content-range': '0-149999', 'content-length': '150000' });
    old.on('error', () => undefined);
    old.write(bytes.subarray(0, 50_000));
    await until(async () => (await served.ask('GET', path)).headers.range === '0-49999');
    const done = await served.ask('PUT', `${path}?digest=${sha256(bytes)}`, { headers: { 'content-range': '50000-149999' }, body: bytes.subarray(50_000) });
    expect(done.status).toBe(201);
    expect((await served.ask('GET', done.headers.location!)).body.equals(bytes)).toBe(true);
  });

  it('takes no chunk but the next one, and says where that begins', async () => {
    const served = await serve();
    const path = await served.startUpload('app');
    const chunk = (range: string, body: string) => served.ask('PATCH', path, { headers: { 'content-range': range }, body });
    expect((await chunk('0-4', 'hello')).status).toBe(202);
    for (const range of ['0-4', '6-10', '4-8']) expect(await chunk(range, 'world')).toMatchObject({ status: 416, headers: { range: '0-4' } });
    for (const range of ['five-nine', '9-5', '5-', '-5', '5-99999999999999999999']) expect((await chunk(range, 'world')).status).toBe(400);
    expect(await chunk('5-20', 'world')).toMatchObject({ status: 400, code: 'SIZE_INVALID' });
    expect((await chunk('5-9', 'world')).status).toBe(202);
    expect((await served.ask('PUT', `${path}?digest=${sha256('helloworld')}`, { body: '' })).status).toBe(201);
  });

  it('with another digest than announced puts nothing in place, and is over', async () => {
    const served = await serve();
    const path = await served.startUpload('app');
    const right = randomBytes(1000);
    expect(await served.ask('PUT', `${path}?digest=${sha256('other')}`, { body: right })).toMatchObject({ status: 400, code: 'DIGEST_INVALID' });
    expect(await served.ask('GET', path)).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
    expect([await uploadsOf(served), await blobsOf(served)]).toEqual([[], []]);
  });

  it('is known only in the repository it was begun in, and may be cancelled there', async () => {
    const served = await serve();
    const path = await served.startUpload('team/app');
    const elsewhere = path.replace('team/app', 'team/other');
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect(await served.ask(method, elsewhere, { body: 'x' })).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
    expect((await served.ask('DELETE', path)).status).toBe(204);
    expect((await served.ask('PATCH', path, { body: 'x' })).status).toBe(404);
  });

  it('is swept when nobody has gone on with it for long, at the start of a server and when garbage is collected', async () => {
    const first = await serve();
    const [old, young] = [await first.startUpload('app'), await first.startUpload('app')];
    const age = async () => {
      const long = new Date(Date.now() - 3 * 60 * 60 * 1000);
      await utimes(join(first.root, '.pinlane-uploads', old.split('/').at(-1)!), long, long);
    };
    await age();
    await first.close();
    const second = await serve({ root: first.root });
    expect([(await second.ask('GET', old)).status, (await second.ask('GET', young)).status]).toEqual([404, 204]);
    await second.store.collect({ keep: [], graceMs: 0 });
    expect((await second.ask('GET', young)).status).toBe(204);
  });

  it('ends with one good blob where two write the same at once', async () => {
    const bytes = randomBytes(2_000_000);
    const digest = sha256(bytes);
    const served = await serve();
    const other = await serve({ root: served.root });
    const halves = await Promise.all(
      [served, other, served, other].map(async (one) => {
        const request = one.begin('POST', `/v2/app/blobs/uploads/?digest=${digest}`, { 'content-length': String(bytes.length) });
        request.write(bytes.subarray(0, 1_000_000));
        return request;
      }),
    );
    const answers = halves.map((request) => answered(request));
    for (const request of halves) request.end(bytes.subarray(1_000_000));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect([await blobsOf(served), await uploadsOf(served)]).toEqual([[digest.slice(7)], []]);
    expect((await served.ask('GET', `/v2/app/blobs/${digest}`)).body.equals(bytes)).toBe(true);
  });

  it('puts a damaged blob right', async () => {
    const served = await serve();
    const bytes = randomBytes(5000);
    const digest = await served.putBlob('app', bytes);
    await writeFile(join(served.root, 'blobs/sha256', digest.slice(7)), 'rotten');
    await served.putBlob('app', bytes);
    expect((await served.ask('GET', `/v2/app/blobs/${digest}`)).body.equals(bytes)).toBe(true);
  });
});

describe('What was damaged in the store', () => {
  const image = makeImage();
  const layer = image.blobs.at(-1)!.descriptor;
  const [first] = image.platforms;
  const fileOf = ({ root }: Served, digest: string) => join(root, 'blobs/sha256', digest.slice(7));
  const isThere = async (served: Served, kind: string, digest: string) => (await served.ask('HEAD', `/v2/app/${kind}/${digest}`)).status === 200;

  it('and has its size is here until somebody reads it, and then to be pushed again', async () => {
    const served = await serve();
    await pushImage(served, 'app', image);
    await writeFile(fileOf(served, layer.digest), Buffer.alloc(layer.size));
    await expect(served.ask('GET', `/v2/app/blobs/${layer.digest}`)).rejects.toThrow();
    await until(async () => !(await isThere(served, 'blobs', layer.digest)));
    await until(async () => served.lines.some((line) => line.includes('ERR_STORE_CORRUPT')));

    await writeFile(fileOf(served, first!.descriptor.digest), '{}');
    expect((await served.ask('GET', `/v2/app/manifests/${first!.descriptor.digest}`)).status).toBe(500);
    expect(await isThere(served, 'manifests', first!.descriptor.digest)).toBe(false);
    await pushImage(served, 'app', image);
    expect(await served.store.missing(image.index.descriptor.digest)).toEqual([]);
  });

  it('and has lost its size is not here for the next push, once a manifest named it', async () => {
    const served = await serve();
    for (const { bytes } of image.blobs) await served.putBlob('app', bytes);
    await truncate(fileOf(served, layer.digest), 1);
    // A client that was told so leaves it out.
    expect(await isThere(served, 'blobs', layer.digest)).toBe(true);
    for (const { bytes, descriptor } of image.platforms) {
      const names = Buffer.from(bytes).includes(layer.digest);
      const { status } = await served.ask('PUT', `/v2/app/manifests/${descriptor.digest}`, { body: bytes, headers: { 'content-type': descriptor.mediaType } });
      expect(status).toBe(names ? 404 : 201);
    }
    expect(await isThere(served, 'blobs', layer.digest)).toBe(false);
    await pushImage(served, 'app', image);
  });

  it('is not: a manifest with a wrong size takes nothing away', async () => {
    const served = await serve();
    const config = Buffer.from('{}');
    const digest = await served.putBlob('app', config);
    const manifest = JSON.stringify({ schemaVersion: 2, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 3 }, layers: [] });
    expect(await served.ask('PUT', '/v2/app/manifests/v1', { body: manifest })).toMatchObject({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    expect(await isThere(served, 'blobs', digest)).toBe(true);
  });
});

describe('The limits of a body', () => {
  it('refuse a blob that announces too much before it is sent, and one that grows too large as soon as it does', async () => {
    const served = await serve({ blobLimit: 1000 });
    const announced = served.begin('POST', `/v2/app/blobs/uploads/?digest=${sha256('')}`, { 'content-length': '1001' });
    announced.on('error', () => undefined);
    announced.flushHeaders();
    expect(await answered(announced)).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
    announced.destroy();

    const path = await served.startUpload('app');
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await served.ask('PATCH', path, { headers: { 'content-range': '0-899' }, body: Buffer.alloc(900) })).status).toBe(202);
    const growing = served.begin('PATCH', path, chunked);
    const answer = answered(growing);
    growing.end(Buffer.alloc(200));
    expect(await answer).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
    expect(await blobsOf(served)).toEqual([]);
  });

  it('cut a client that sends next to nothing', async () => {
    const served = await serve({ pace: { windowMs: 20, bytes: 4096 } });
    const path = await served.startUpload('app');
    const slow = served.begin('PATCH', path, { 'content-length': '1000' });
    const failed = once(slow, 'error');
    slow.write('x');
    expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  });

  it.each([
    ['for long', 1, 5],
    ['a lot', 1024 * 1024, 0],
  ])('cut a client that was refused and goes on sending %s', async (_, bytes, pauseMs) => {
    const served = await serve({ pace: { windowMs: pauseMs === 0 ? 600_000 : 50, bytes: 1 } });
    const client = connect(served.port, '127.0.0.1');
    const heard: Buffer[] = [];
    let cut = false;
    client.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined);
    client.once('close', () => (cut = true));
    client.write(`PUT /v2/app/manifests/v1 HTTP/1.1\r\nHost: ${served.host}\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
    const some = Buffer.alloc(bytes);
    for (let sent = 0; !cut && sent < 500; sent += 1) {
      client.write(some);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      while (!cut && client.writableLength > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    client.destroy();
    expect(cut).toBe(true);
    expect(Buffer.concat(heard).toString()).toMatch(/^HTTP\/1\.1 413 /);
  });
});
