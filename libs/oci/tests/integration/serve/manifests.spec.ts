import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { jsonBytes, makeImage, putImage } from '@pinlane/testing';
import { describe as described, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, sha256 } from '../../../src/content/index.ts';
import { verifyWhole } from '../../support/images.ts';
import { answered, pushImage, serving, type Served } from '../../support/serving.ts';

const serve = serving();

const put = (served: Served, reference: string, bytes: Uint8Array, mediaType = OCI_MANIFEST) =>
  served.ask('PUT', `/v2/app/manifests/${reference}`, { body: bytes, headers: { 'content-type': mediaType } });

/** A manifest of an artefact that says something of a subject. */
const artefact = async (served: Served, subject: { mediaType: string; digest: string; size: number }, artifactType: string | undefined, note = 'x') => {
  const config = jsonBytes({});
  await served.putBlob('app', config);
  return jsonBytes({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: described('application/vnd.example.config', config),
    layers: [],
    subject,
    annotations: { note },
  });
};

describe('A manifest', () => {
  it('is taken only where all that it names is here, whole', async () => {
    const served = await serve();
    const { platforms, blobs, index } = makeImage({ architectures: ['amd64'] });
    const manifest = platforms[0]!;
    expect(await put(served, 'v1', manifest.bytes)).toMatchObject({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    expect(await put(served, 'v1', index.bytes, OCI_INDEX)).toMatchObject({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    for (const { bytes } of blobs) await served.putBlob('app', bytes);
    const lying = jsonBytes({ ...JSON.parse(Buffer.from(manifest.bytes).toString()), config: { ...blobs[0]!.descriptor, size: 1 } });
    expect(await put(served, 'v1', lying)).toMatchObject({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    expect((await put(served, manifest.descriptor.digest, manifest.bytes)).status).toBe(201);
    expect((await put(served, 'v1', index.bytes, OCI_INDEX)).status).toBe(201);
  });

  it('may name layers that are not distributed and are not here', async () => {
    const served = await serve();
    const config = jsonBytes({ architecture: 'amd64', os: 'linux' });
    await served.putBlob('app', config);
    const foreign = { ...described('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', randomBytes(9)), urls: ['https://example.com/x'] };
    const of = (layer: object) => jsonBytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: described(OCI_CONFIG, config), layers: [layer] });
    expect((await put(served, 'v1', of(foreign))).status).toBe(201);
    expect((await put(served, 'v1', of({ ...foreign, mediaType: OCI_LAYER }))).code).toBe('MANIFEST_BLOB_UNKNOWN');
  });

  it('is refused where it is not what it says, and nothing of it stays', async () => {
    const served = await serve();
    const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    const both = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], config: described(OCI_CONFIG, bytes), layers: [] });
    const refused: [string, Uint8Array, string, string][] = [
      ['v1', bytes, OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['v1', jsonBytes({ schemaVersion: 1 }), OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['v1', Buffer.from('{'), OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['v1', Buffer.from([0xff, 0xfe]), OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['v1', both, OCI_INDEX, 'MANIFEST_INVALID'],
      ['v1', Buffer.from(`{"schemaVersion":2,"manifests":[],"manifests":[]}`), OCI_INDEX, 'MANIFEST_INVALID'],
      ['v1', Buffer.from(`{"schemaVersion":2,"manifests":[],"Manifests":[]}`), OCI_INDEX, 'MANIFEST_INVALID'],
      ['..', bytes, OCI_INDEX, 'MANIFEST_INVALID'],
      [sha256('other'), bytes, OCI_INDEX, 'DIGEST_INVALID'],
      ['sha256:short', bytes, OCI_INDEX, 'DIGEST_INVALID'],
      [`md5:${'0'.repeat(32)}`, bytes, OCI_INDEX, 'DIGEST_INVALID'],
    ];
    for (const [reference, body, mediaType, code] of refused) expect(await put(served, reference, body, mediaType)).toMatchObject({ status: 400, code });
    expect((await served.ask('HEAD', `/v2/app/manifests/${sha256(both)}`)).status).toBe(404);
    expect((await put(served, 'v1', bytes, `${OCI_INDEX}; charset=utf-8`)).status).toBe(201);
  });

  it('may have four MiB and not a byte more', async () => {
    const served = await serve();
    const of = (size: number) => {
      const frame = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations: { a: '' } }).length;
      return jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations: { a: 'x'.repeat(size - frame) } });
    };
    const limit = 4 * 1024 * 1024;
    expect((await put(served, 'v1', of(limit), OCI_INDEX)).status).toBe(201);
    expect((await served.ask('GET', '/v2/app/manifests/v1')).body.length).toBe(limit);
    expect(await put(served, 'v2', of(limit + 1), OCI_INDEX)).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
    const unannounced = served.begin('PUT', '/v2/app/manifests/v2', { 'content-type': OCI_INDEX, 'transfer-encoding': 'chunked' });
    const answer = answered(unannounced);
    unannounced.end(of(limit + 1));
    expect(await answer).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
  });

  it('is told from a layer with the same kind of address', async () => {
    const served = await serve();
    const [small, large] = [await served.putBlob('app', jsonBytes({ some: 'json' })), await served.putBlob('app', randomBytes(5_000_000))];
    for (const digest of [small, large])
      expect(await served.ask('GET', `/v2/app/manifests/${digest}`)).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
  });

  it('may go by sha512, which no name in the store can: only by its digest is it to be had', async () => {
    const served = await serve();
    const sha512 = (bytes: Uint8Array) => `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    const config = jsonBytes({ architecture: 'amd64', os: 'linux' });
    await served.ask('POST', `/v2/app/blobs/uploads/?digest=${sha512(config)}`, { body: config });
    const bytes = jsonBytes({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: sha512(config), size: config.length },
      layers: [],
    });
    expect(await put(served, sha512(bytes), bytes)).toMatchObject({ status: 201, headers: { 'docker-content-digest': sha512(bytes) } });
    expect((await served.ask('GET', `/v2/app/manifests/${sha512(bytes)}`)).body.equals(bytes)).toBe(true);
    expect((await put(served, 'v1', bytes)).headers['docker-content-digest']).toBe(sha256(bytes));
    expect((await served.store.resolve('app:v1')).digest).toBe(sha256(bytes));
    const { removed } = await served.store.collect({ keep: [], graceMs: -10_000 });
    expect(removed).toEqual([sha512(bytes)]);
  });
});

describe('A deletion', () => {
  it('of a manifest takes its tags in that repository, and nothing from another', async () => {
    const served = await serve();
    const image = makeImage();
    for (const [repository, tag] of [
      ['one', 'latest'],
      ['one', 'v1'],
      ['other', 'v1'],
    ] as const)
      await pushImage(served, repository, image, tag);
    const { digest } = image.index.descriptor;
    expect((await served.ask('DELETE', `/v2/one/manifests/${digest}`)).status).toBe(202);
    for (const reference of [digest, 'latest', 'v1']) expect((await served.ask('HEAD', `/v2/one/manifests/${reference}`)).status).toBe(404);
    expect(await served.ask('DELETE', `/v2/one/manifests/${digest}`)).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
    for (const reference of [digest, 'v1']) expect((await served.ask('HEAD', `/v2/other/manifests/${reference}`)).status).toBe(200);
    await verifyWhole(served.store, digest);
  });

  it('of a blob makes a push fail that builds on it, until it is pushed again or mounted', async () => {
    const served = await serve();
    const { platforms, blobs } = makeImage({ architectures: ['amd64'] });
    for (const { bytes } of blobs) await served.putBlob('app', bytes);
    const layer = blobs[1]!.descriptor.digest;
    const remove = () => served.ask('DELETE', `/v2/app/blobs/${layer}`);
    expect((await remove()).status).toBe(202);
    expect((await remove()).status).toBe(404);
    expect((await served.ask('GET', `/v2/app/blobs/${layer}`)).status).toBe(404);
    expect((await put(served, 'v1', platforms[0]!.bytes)).code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect((await served.ask('POST', `/v2/app/blobs/uploads/?mount=${layer}&from=other`)).status).toBe(201);
    expect((await put(served, 'v1', platforms[0]!.bytes)).status).toBe(201);
  });

  it('is over for an image that is built and named there anew', async () => {
    const served = await serve();
    const image = makeImage();
    await pushImage(served, 'app', image, 'latest');
    for (const { descriptor } of [...image.platforms, image.index]) await served.ask('DELETE', `/v2/app/manifests/${descriptor.digest}`);
    for (const { descriptor } of image.blobs) await served.ask('DELETE', `/v2/app/blobs/${descriptor.digest}`);
    await putImage(served.store, image);
    await served.store.name('app', image.index.descriptor);
    for (const { descriptor } of [...image.platforms, image.index])
      expect((await served.ask('HEAD', `/v2/app/manifests/${descriptor.digest}`)).status).toBe(200);
    for (const { descriptor } of image.blobs) expect((await served.ask('HEAD', `/v2/app/blobs/${descriptor.digest}`)).status).toBe(200);
  });
});

describe('Referrers', () => {
  const listed = async (served: Served, path: string) => {
    const { status, headers, body } = await served.ask('GET', path);
    expect([status, headers['content-type']]).toEqual([200, OCI_INDEX]);
    const { manifests } = JSON.parse(body.toString()) as { manifests: { digest: string; artifactType?: string; annotations?: Record<string, string> }[] };
    return { manifests, filtered: headers['oci-filters-applied'], next: /^<(.*)>; rel="next"$/.exec(String(headers.link ?? ''))?.[1] };
  };

  it('are what names a manifest as its subject, be that here or not, filtered by type', async () => {
    const served = await serve();
    const subject = described(OCI_MANIFEST, Buffer.from('not here'));
    const [typed, untyped] = [await artefact(served, subject, 'application/vnd.example.report'), await artefact(served, subject, undefined)];
    expect((await put(served, sha256(typed), typed)).headers['oci-subject']).toBe(subject.digest);
    await put(served, sha256(untyped), untyped);
    const path = `/v2/app/referrers/${subject.digest}`;
    const all = await listed(served, path);
    expect(all.manifests.map(({ digest }) => digest).sort()).toEqual([sha256(typed), sha256(untyped)].sort());
    // The specification's fallback: the type of the config.
    expect(all.manifests.find(({ digest }) => digest === sha256(untyped))).toMatchObject({
      artifactType: 'application/vnd.example.config',
      annotations: { note: 'x' },
    });
    const some = await listed(served, `${path}?artifactType=application/vnd.example.report`);
    expect([some.filtered, some.manifests.map(({ digest }) => digest)]).toEqual(['artifactType', [sha256(typed)]]);
    expect(await listed(served, `/v2/app/referrers/${sha256('nobody')}`)).toMatchObject({ manifests: [], filtered: undefined });
    expect((await served.ask('GET', '/v2/app/referrers/latest')).status).toBe(400);

    expect((await served.store.referrers(subject.digest, 'application/vnd.example.report')).map(({ digest }) => digest)).toEqual([sha256(typed)]);
    await served.ask('DELETE', `/v2/app/manifests/${sha256(typed)}`);
    expect((await listed(served, path)).manifests.map(({ digest }) => digest)).toEqual([sha256(untyped)]);
  });

  it('that the store was given without a server are listed as well', async () => {
    const served = await serve();
    const image = makeImage();
    await putImage(served.store, image);
    const report = await artefact(served, image.index.descriptor, 'application/vnd.example.report');
    await served.store.putManifest(described(OCI_MANIFEST, report), report);
    expect((await listed(served, `/v2/app/referrers/${image.index.descriptor.digest}`)).manifests.map(({ digest }) => digest)).toEqual([sha256(report)]);
  });

  // A letter, and one that takes three bytes.
  it.each(['a', '語'])('that do not fit one manifest are listed page by page, in notes of %j', async (letter) => {
    const served = await serve();
    const subject = described(OCI_MANIFEST, Buffer.from('popular'));
    const digests = [];
    for (let number = 0; number < 5; number += 1) {
      const bytes = await artefact(served, subject, 'application/vnd.example.report', `${number}${letter.repeat(1_000_000 / Buffer.byteLength(letter))}`);
      digests.push(sha256(bytes));
      await put(served, sha256(bytes), bytes);
    }
    const pages = [];
    for (let next: string | undefined = `/v2/app/referrers/${subject.digest}?artifactType=application%2Fvnd.example.report`; next !== undefined;) {
      const page = await listed(served, next);
      pages.push(page.manifests.map(({ digest }) => digest));
      next = page.next;
    }
    expect(pages.map(({ length }) => length)).toEqual([3, 2]);
    expect(pages.flat()).toEqual(digests.sort());
  });
});
