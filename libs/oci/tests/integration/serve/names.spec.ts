import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeImage, putImage } from '@pinlane/testing';
import { sha256 } from '../../../src/content/index.ts';
import { pushImage, serving } from '../../support/serving.ts';

const serve = serving();

describe('A hostile name', () => {
  const DIGEST = sha256('canary');
  const NAMES = [
    '..',
    '../..',
    'a/../b',
    './a',
    'a/./b',
    '%2e%2e',
    'a%2f..%2fb',
    '..%2f..%2f',
    '%2e%2e%2f%2e%2e',
    'a\\..\\b',
    '%5c..%5c',
    '%00',
    'a%00b',
    'A',
    'a//b',
    '/a',
    'a/',
    '.pinlane-uploads',
    'a..b',
    '%252e%252e',
    'a'.repeat(256),
  ];

  it.each(NAMES)('reaches nothing as a repository: %s', async (name) => {
    const served = await serve();
    await writeFile(join(served.root, '../canary'), 'canary');
    const before = await readdir(join(served.root, '..'));
    for (const [method, rest] of [
      ['GET', 'tags/list'],
      ['GET', 'manifests/latest'],
      ['PUT', 'manifests/latest'],
      ['DELETE', `manifests/${DIGEST}`],
      ['GET', `blobs/${DIGEST}`],
      ['DELETE', `blobs/${DIGEST}`],
      ['POST', `blobs/uploads/?digest=${DIGEST}`],
      ['GET', `referrers/${DIGEST}`],
    ] as const) {
      const { status, body } = await served.ask(method, `/v2/${name}/${rest}`, { body: 'canary' });
      expect([400, 404]).toContain(status);
      expect(body.toString()).not.toMatch(/^canary/);
    }
    expect(await readdir(join(served.root, '..'))).toEqual(before);
    expect(await readdir(join(served.root, 'blobs/sha256'))).toEqual([]);
  });

  it.each(['..', '../../index.json', '%2e%2e%2findex.json', 'sha256:../../index.json', 'latest%2f..', '.hidden', '-', `${'t'.repeat(129)}`])(
    'reaches nothing as a tag, a digest or an upload: %s',
    async (name) => {
      const served = await serve();
      const image = makeImage();
      await pushImage(served, 'app', image, 'v1');
      for (const kind of ['manifests', 'blobs', 'referrers', 'blobs/uploads']) {
        const { status, body } = await served.ask('GET', `/v2/app/${kind}/${name}`);
        expect([400, 404]).toContain(status);
        expect(body.toString()).not.toContain(image.index.descriptor.digest);
      }
      expect((await served.ask('PUT', `/v2/app/manifests/${name}`, { body: image.index.bytes })).status).toBeGreaterThanOrEqual(400);
      expect((await served.ask('PATCH', `/v2/app/blobs/uploads/${name}`, { body: 'x' })).status).toBeGreaterThanOrEqual(400);
      expect([...(await served.store.names()).keys()]).toEqual(['app:v1']);
    },
  );

  it('is the Host by which a page in a browser would reach the loopback: it is denied', async () => {
    const served = await serve();
    for (const host of ['attacker.example', 'attacker.example:5055', '127.0.0.1.attacker.example', 'localhost.attacker.example'])
      expect(await served.ask('GET', '/v2/', { headers: { host } })).toMatchObject({ status: 403, code: 'DENIED' });
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:5055', 'store.localhost'])
      expect((await served.ask('GET', '/v2/', { headers: { host } })).status).toBe(200);
  });

  it('and the Origin of a page that sends what it needs no leave for: nothing of it is written', async () => {
    const served = await serve();
    const bytes = Buffer.from('from a page');
    const send = (origin: string) =>
      served.ask('POST', `/v2/app/blobs/uploads/?digest=${sha256(bytes)}`, { body: bytes, headers: { origin, 'content-type': 'text/plain' } });
    for (const origin of ['https://evil.example', 'http://localhost.evil.example:5055', 'null'])
      expect(await send(origin)).toMatchObject({ status: 403, code: 'DENIED' });
    expect((await served.ask('HEAD', `/v2/app/blobs/${sha256(bytes)}`)).status).toBe(404);
    expect((await send('http://localhost:3000')).status).toBe(201);
  });

  it('is not asked for where the store is served to others than this machine, which is said', async () => {
    const served = await serve({ host: '0.0.0.0' });
    expect((await served.ask('GET', '/v2/', { headers: { host: 'registry.example' } })).status).toBe(200);
    expect(served.lines[0]).toBe('warning: everyone who can reach 0.0.0.0 may read, write and delete what is in this store');
  });
});

describe('Names in the store and tags of the registry', () => {
  it('are the same: what a build names is latest, and any other tag follows a colon', async () => {
    const served = await serve();
    const [built, pushed] = [makeImage(), makeImage()];
    await putImage(served.store, built);
    await served.store.name('llm-litellm', built.index.descriptor);
    expect(sha256((await served.ask('GET', '/v2/llm-litellm/manifests/latest')).body)).toBe(built.index.descriptor.digest);
    for (const { descriptor } of built.platforms) expect((await served.ask('HEAD', `/v2/llm-litellm/manifests/${descriptor.digest}`)).status).toBe(200);

    await pushImage(served, 'llm-litellm', pushed, 'latest');
    await pushImage(served, 'llm-litellm', pushed, 'v1');
    await pushImage(served, 'team/app', pushed, '_odd..tag-');
    expect([...(await served.store.names())].map(([name, { digest }]) => [name, digest])).toEqual(
      ['llm-litellm', 'llm-litellm:v1', 'team/app:_odd..tag-'].map((name) => [name, pushed.index.descriptor.digest]),
    );
  });

  it('are one where somebody wrote both spellings of latest', async () => {
    const served = await serve();
    const [first, second] = [makeImage(), makeImage()];
    for (const image of [first, second]) await putImage(served.store, image);
    await served.store.name('app:latest', first.index.descriptor);
    const latest = async () => (await served.ask('HEAD', '/v2/app/manifests/latest')).headers['docker-content-digest'];
    expect(await latest()).toBe(first.index.descriptor.digest);
    await served.store.name('app', second.index.descriptor);
    expect(await latest()).toBe(second.index.descriptor.digest);
    expect(JSON.parse((await served.ask('GET', '/v2/app/tags/list')).body.toString())).toEqual({ name: 'app', tags: ['latest'] });
    expect((await served.ask('DELETE', '/v2/app/manifests/latest')).status).toBe(202);
    expect((await served.store.names()).size).toBe(0);
  });

  it('that no registry could have stay out of it', async () => {
    const served = await serve();
    const image = makeImage();
    await putImage(served.store, image);
    await served.store.name('Upper/Case', image.index.descriptor);
    expect(await served.ask('GET', '/v2/Upper/Case/tags/list')).toMatchObject({ status: 400, code: 'NAME_INVALID' });
    expect(await served.ask('GET', '/v2/upper/case/tags/list')).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' });
  });

  it('are listed in the order of their bytes, page by page', async () => {
    const served = await serve();
    const image = makeImage();
    const tags = ['B', '_x', 'a', 'a.1', 'a10', 'a2', 'latest'];
    for (const tag of tags) await pushImage(served, 'app', image, tag);
    await pushImage(served, 'app/b', image, 'not-mine');
    const pages: string[][] = [];
    for (let next: string | undefined = '/v2/app/tags/list?n=3'; next !== undefined;) {
      const { body, headers } = await served.ask('GET', next);
      pages.push((JSON.parse(body.toString()) as { tags: string[] }).tags);
      next = /^<(.*)>; rel="next"$/.exec(String(headers.link ?? ''))?.[1];
    }
    expect(pages).toEqual([tags.slice(0, 3), tags.slice(3, 6), tags.slice(6)]);
    expect(JSON.parse((await served.ask('GET', '/v2/app/tags/list?n=0')).body.toString())).toEqual({ name: 'app', tags: [] });
    expect((await served.ask('GET', '/v2/app/tags/list?n=many')).status).toBe(400);
  });
});
