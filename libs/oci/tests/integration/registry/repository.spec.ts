import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository, type Digest } from '@pinlane/contracts';
import {
  copyImage,
  MANIFEST_LIMIT,
  OCI_INDEX,
  OCI_MANIFEST,
  openRepository,
  openStore,
  sha256,
  verifyImage,
  type CredentialSource,
  type RepositoryOptions,
} from '../../../src/index.ts';
import { verifyWhole } from '../../support/images.ts';
import {
  chunksOf,
  codeOf,
  drain,
  errorOf,
  makeImage,
  putImage,
  startRegistry,
  temporaryFolder,
  type FaultRule,
  type RegistryOptions,
  type SeenRequest,
  type TestRegistry,
} from '@pinlane/testing';

const open: TestRegistry[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((registry) => registry.close()));
});

const registryWith = async (options: RegistryOptions = {}) => {
  const registry = await startRegistry(options);
  open.push(registry);
  return registry;
};

const anonymous: CredentialSource = async () => undefined;
const me: CredentialSource = async () => ({ kind: 'basic', username: 'me', password: 'hunter2' });

/** A repository whose pauses take no time and are noted. */
const connect = ({ host }: TestRegistry, options: RepositoryOptions = {}) => {
  const pauses: number[] = [];
  const retry = { sleep: async (ms: number) => void pauses.push(ms), random: () => 0, ...options.retry };
  return { pauses, repository: openRepository(parseRepository(`${host}/team/app`), { auth: anonymous, ...options, retry }) };
};

const localImage = async (options = {}) => {
  const store = openStore(join(temporaryFolder('oci'), 'store'));
  const image = makeImage(options);
  await putImage(store, image);
  return { store, image, root: image.index.descriptor.digest };
};

const onBlob = ({ method, url }: SeenRequest) => method === 'GET' && url.includes('/blobs/');
const onManifest = ({ method, url }: SeenRequest) => method === 'GET' && url.includes('/manifests/');
const once = (when: FaultRule['when'], fault: FaultRule['fault']): FaultRule => ({ when, times: 1, fault });

/** A registry that holds an image, and the image. */
const served = async (options: RegistryOptions = {}, imageOptions = {}) => {
  const registry = await registryWith(options);
  const image = makeImage(imageOptions);
  for (const { bytes, descriptor } of image.blobs) registry.blobs.set(descriptor.digest, bytes);
  for (const { bytes, descriptor } of [...image.platforms, image.index])
    registry.manifests.set(`team/app@${descriptor.digest}`, { mediaType: descriptor.mediaType, bytes });
  registry.manifests.set('team/app:latest', { mediaType: image.index.descriptor.mediaType, bytes: image.index.bytes });
  return { registry, image, root: image.index.descriptor.digest };
};

describe('A repository of a registry', () => {
  it('takes an image and gives it back, byte for byte', async () => {
    const registry = await registryWith();
    const { repository } = connect(registry);
    const { store, image, root } = await localImage({ layerSize: 3_000_000 });
    await copyImage(store, repository, root);
    await repository.tag('v1', image.index.descriptor, image.index.bytes);
    const back = openStore(join(temporaryFolder('oci'), 'store'));
    expect(await repository.resolve('v1')).toEqual(image.index.descriptor);
    expect(await copyImage(repository, back, root)).toEqual(image.index.descriptor);
    await verifyWhole(back, root);
    await verifyImage(repository, root, { platforms: ['linux/amd64', 'linux/arm64'] });
  });

  it('is sent each blob once, whole and with its length', async () => {
    const registry = await registryWith();
    const { repository } = connect(registry);
    const { store, root } = await localImage({ layerSize: 100_000 });
    await copyImage(store, repository, root);
    const puts = registry.requests.filter(({ method, url }) => method === 'PUT' && url.includes('/blobs/uploads/'));
    expect(puts.map(({ headers }) => headers['transfer-encoding'])).toEqual([undefined, undefined, undefined, undefined]);
    registry.requests.length = 0;
    await copyImage(store, repository, root);
    expect(registry.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('mounts what another repository of the registry has', async () => {
    const { registry, image } = await served();
    const { descriptor } = image.blobs[0]!;
    const { repository } = connect(registry, { mountFrom: parseRepository(`${registry.host}/team/base`) });
    await repository.putBlob(descriptor, () => {
      throw new Error('the bytes were asked for');
    });
    expect(registry.requests.map(({ url }) => url)).toEqual([`/v2/team/app/blobs/uploads/?mount=${encodeURIComponent(descriptor.digest)}&from=team%2Fbase`]);
  });

  it.each([
    [403, 'DENIED'],
    [401, 'UNAUTHORIZED'],
    [404, 'NAME_UNKNOWN'],
    [405, 'UNSUPPORTED'],
    [404, 'BLOB_UNKNOWN'],
  ])('is sent the bytes where it refuses a mount with %d %s', async (status, code) => {
    const registry = await registryWith();
    registry.faults.push({
      when: ({ url }) => url.includes('mount='),
      fault: { kind: 'answer', status, headers: { 'www-authenticate': 'Basic realm="r"' }, body: JSON.stringify({ errors: [{ code }] }) },
    });
    const { repository } = connect(registry, { mountFrom: parseRepository(`${registry.host}/team/base`), chunks: { above: 10, sizes: [10] } });
    for (const bytes of [Buffer.from('whole'), Buffer.from('sent in chunks')]) {
      const blob = { digest: sha256(bytes), size: bytes.length };
      await repository.putBlob(blob, () => chunksOf(bytes));
      expect(registry.blobs.has(blob.digest)).toBe(true);
    }
    expect(registry.requests.filter(({ url }) => url.includes('mount='))).toHaveLength(2);
  });

  it('is not asked for a mount from another registry', async () => {
    const registry = await registryWith();
    const { repository } = connect(registry, { mountFrom: parseRepository('ghcr.io/team/base') });
    const bytes = Buffer.from('x');
    await repository.putBlob({ digest: sha256(bytes), size: 1 }, () => chunksOf(bytes));
    expect(registry.requests[0]?.url).toBe('/v2/team/app/blobs/uploads/');
  });

  it('says what it does not hold', async () => {
    const { repository } = connect(await registryWith());
    expect(await codeOf(() => repository.resolve('absent'))).toBe('ERR_MANIFEST_UNKNOWN');
    expect(await codeOf(() => repository.readManifest(sha256('absent')))).toBe('ERR_MANIFEST_UNKNOWN');
    expect(await codeOf(() => drain(repository.openBlob({ digest: sha256('absent'), size: 1 })))).toBe('ERR_BLOB_UNKNOWN');
    expect(await repository.hasBlob({ digest: sha256('absent'), size: 1 })).toBe(false);
    expect(await codeOf(() => repository.resolve('../../x'))).toBe('ERR_REFERENCE_INVALID');
  });

  it('does not hold a blob of which it has more or fewer bytes', async () => {
    const { registry, image } = await served();
    const { repository } = connect(registry);
    const { digest, size } = image.blobs[1]!.descriptor;
    expect(await repository.hasBlob({ digest, size })).toBe(true);
    expect(await repository.hasBlob({ digest, size: size + 1 })).toBe(false);
    expect(await repository.hasBlob({ digest, size: size - 1 })).toBe(false);
  });

  it('is asked by GET for a blob where HEAD is refused, which does not say why', async () => {
    const { registry, image } = await served();
    registry.faults.push({ when: ({ method }) => method === 'HEAD', fault: { kind: 'answer', status: 403 } });
    const { repository } = connect(registry);
    expect(await repository.hasBlob(image.blobs[1]!.descriptor)).toBe(true);
    expect(await repository.hasBlob({ digest: sha256('absent'), size: 1 })).toBe(false);
  });

  it('is sent no bytes under the name of others', async () => {
    const { registry, image } = await served();
    const { repository } = connect(registry);
    const [one, other] = [image.platforms[0]!, image.platforms[1]!];
    const wrong = [
      [one.descriptor, other.bytes, 'ERR_DIGEST_MISMATCH'],
      [{ ...one.descriptor, size: one.bytes.length + 1 }, one.bytes, 'ERR_DIGEST_MISMATCH'],
      [{ ...one.descriptor, mediaType: OCI_INDEX }, one.bytes, 'ERR_MANIFEST_INVALID'],
    ] as const;
    for (const [descriptor, bytes, code] of wrong) {
      expect(await codeOf(() => repository.putManifest(descriptor, bytes))).toBe(code);
      expect(await codeOf(() => repository.tag('v1', descriptor, bytes))).toBe(code);
    }
    expect(registry.requests).toEqual([]);
  });

  it('refuses a manifest whose blobs it lacks, and the client tells', async () => {
    const { repository } = connect(await registryWith());
    const { descriptor, bytes } = makeImage().platforms[0]!;
    expect(await codeOf(() => repository.putManifest(descriptor, bytes))).toBe('ERR_BLOB_UNKNOWN');
  });
});

describe('Bytes from a registry', () => {
  it('are hashed, whatever the headers claim', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'headers', headers: { 'docker-content-digest': sha256('lie'), 'content-type': 'text/html' } } });
    const { repository } = connect(registry);
    expect((await repository.resolve('latest')).digest).toBe(root);
    expect((await repository.readManifest(root)).descriptor.digest).toBe(root);
  });

  it('of a manifest that is another one are refused', async () => {
    const { registry, image, root } = await served();
    const { bytes } = image.platforms[0]!;
    registry.faults.push({
      when: onManifest,
      fault: { kind: 'answer', status: 200, headers: { 'content-type': OCI_MANIFEST, 'docker-content-digest': root }, body: bytes },
    });
    expect(await codeOf(() => connect(registry).repository.readManifest(root))).toBe('ERR_DIGEST_MISMATCH');
  });

  it.each([
    ['altered', (bytes: Uint8Array) => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)))],
    ['longer', (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('x')])],
    ['shorter', (bytes: Uint8Array) => bytes.subarray(1)],
  ])('of a blob that are %s are refused', async (_, spoil) => {
    const { registry, image } = await served();
    const { descriptor, bytes } = image.blobs[1]!;
    registry.blobs.set(descriptor.digest, spoil(bytes));
    expect(await codeOf(() => drain(connect(registry).repository.openBlob(descriptor)))).toBe('ERR_DIGEST_MISMATCH');
  });

  it('of a manifest beyond the limit are not read to their end', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'answer', status: 200, body: Buffer.alloc(MANIFEST_LIMIT + 1, ' ') } });
    expect(await codeOf(() => connect(registry).repository.readManifest(root))).toBe('ERR_MANIFEST_INVALID');
  });

  it('that break off are read on from there', async () => {
    const { registry, image } = await served({}, { layerSize: 500_000 });
    const { descriptor, bytes } = image.blobs[1]!;
    registry.faults.push(once(onBlob, { kind: 'truncate', bytes: 200_000 }), once(onBlob, { kind: 'truncate', bytes: 100_000 }));
    expect((await drain(connect(registry).repository.openBlob(descriptor))).equals(bytes)).toBe(true);
    const ranges = registry.requests.filter(onBlob).map(({ headers }) => headers['range']);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
  });

  it('that break off are skipped over where the registry knows no ranges', async () => {
    const { registry, image } = await served({}, { layerSize: 500_000 });
    const { descriptor, bytes } = image.blobs[1]!;
    registry.faults.push(once(onBlob, { kind: 'truncate', bytes: 200_000 }), once(onBlob, { kind: 'answer', status: 200, body: bytes }));
    expect((await drain(connect(registry).repository.openBlob(descriptor))).equals(bytes)).toBe(true);
  });

  it('that always break off are given up', async () => {
    const { registry, image } = await served({}, { layerSize: 500_000 });
    const { descriptor } = image.blobs[1]!;
    registry.faults.push({ when: onBlob, fault: { kind: 'truncate', bytes: 10 } });
    expect(await codeOf(() => drain(connect(registry).repository.openBlob(descriptor)))).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(registry.requests.filter(onBlob)).toHaveLength(7);
  });

  it('of a manifest that break off are asked for again', async () => {
    const { registry, root } = await served();
    registry.faults.push(once(onManifest, { kind: 'truncate', bytes: 20 }));
    expect((await connect(registry).repository.readManifest(root)).descriptor.digest).toBe(root);
  });
});

describe('A registry that cannot now', () => {
  it('is asked again after the time that it names', async () => {
    const { registry, root } = await served();
    registry.faults.push(once(onManifest, { kind: 'answer', status: 429, headers: { 'retry-after': '7' } }));
    const { repository, pauses } = connect(registry);
    expect((await repository.readManifest(root)).descriptor.digest).toBe(root);
    expect(pauses[0]).toBe(7000);
  });

  it('is given up when the time that it names is too long', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'answer', status: 429, headers: { 'retry-after': '86400' } } });
    const { repository, pauses } = connect(registry);
    const error = await errorOf(() => repository.readManifest(root));
    expect([error.code, error.retryable]).toEqual(['ERR_REGISTRY_UNAVAILABLE', true]);
    expect(registry.requests).toHaveLength(1);
    // Nor does anything else that was under way wait for it, or ask meanwhile.
    expect((await errorOf(() => repository.resolve('1'))).message).toMatch(/429; the registry asked to wait 86\d{3} s/);
    expect([registry.requests.length, pauses]).toEqual([1, []]);
  });

  it.each([
    ['500', { kind: 'answer', status: 500 }],
    ['503', { kind: 'answer', status: 503, body: '<html>' }],
    ['a secondary rate limit', { kind: 'answer', status: 403, body: '{"errors":[{"code":"DENIED","message":"secondary rate limit"}]}' }],
    ['a broken connection', { kind: 'reset' }],
  ] as const)('because of %s is asked again, and not for ever', async (_, fault) => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, times: 2, fault });
    const { repository, pauses } = connect(registry);
    await repository.readManifest(root);
    expect(pauses).toEqual([100, 200]);
    registry.faults.push({ when: onManifest, fault });
    expect(await codeOf(() => repository.readManifest(root))).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(registry.requests.filter(onManifest)).toHaveLength(3 + 7);
  });

  it('and says nothing at all is left after a while', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'hang' } });
    const { repository } = connect(registry, { idleMs: 40, retry: { attempts: 2 } });
    const error = await errorOf(() => repository.readManifest(root));
    expect([error.code, error.message]).toEqual(['ERR_REGISTRY_UNAVAILABLE', expect.stringContaining('nothing happened for 40 ms')]);
    expect(registry.requests).toHaveLength(2);
  });

  it('during an upload gets it anew, from the start', async () => {
    const registry = await registryWith();
    const bytes = Buffer.alloc(300_000, 'abc');
    let opened = 0;
    registry.faults.push(
      once(({ method }) => method === 'PUT', { kind: 'reset' }),
      once(({ method }) => method === 'PUT', { kind: 'answer', status: 404 }),
    );
    const { repository } = connect(registry);
    await repository.putBlob({ digest: sha256(bytes), size: bytes.length }, () => (opened++, chunksOf(bytes)));
    expect(opened).toBe(3);
    expect(registry.requests.map(({ method }) => method)).toEqual(['POST', 'PUT', 'POST', 'PUT', 'POST', 'PUT']);
    expect(registry.blobs.get(sha256(bytes))?.length).toBe(bytes.length);
  });

  it('is not asked again when the bytes to send could not be read', async () => {
    const registry = await registryWith();
    const { store, image } = await localImage();
    const { descriptor } = image.blobs[1]!;
    const wrong = { ...descriptor, size: descriptor.size + 1 };
    expect(await codeOf(() => connect(registry).repository.putBlob(wrong, () => store.openBlob(wrong)))).toBe('ERR_STORE_CORRUPT');
    expect(registry.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is not waited for when the work is called off', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'hang' } });
    const controller = new AbortController();
    const { repository } = connect(registry, { signal: controller.signal });
    const reading = codeOf(() => repository.readManifest(root));
    controller.abort();
    expect(await reading).toBe('ERR_CANCELLED');
  });

  it('because nothing listens there is named', async () => {
    const registry = await registryWith();
    await registry.close();
    const error = await errorOf(() => connect(registry).repository.resolve('latest'));
    expect([error.code, error.message]).toEqual(['ERR_REGISTRY_UNAVAILABLE', expect.stringContaining('ECONNREFUSED')]);
  });
});

describe('Authentication', () => {
  const authorizations = ({ requests }: TestRegistry) => requests.map(({ headers }) => headers['authorization']);

  it('by Basic is asked for once and given from then on', async () => {
    const { registry, root } = await served({ auth: { scheme: 'basic', username: 'me', password: 'hunter2' } });
    const { repository } = connect(registry, { auth: me });
    await repository.readManifest(root);
    await repository.resolve('latest');
    const header = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
    expect(authorizations(registry)).toEqual([undefined, header, header]);
  });

  it('by Bearer gets one token for reading and one for writing, however many requests there are', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
    const { store, root } = await localImage();
    const { repository } = connect(registry, { auth: me });
    await copyImage(store, repository, root);
    await verifyImage(repository, root);
    expect(registry.tokens()).toBe(2);
    const credentials = registry.requests.filter(({ headers }) => headers['authorization']?.toString().startsWith('Basic'));
    expect(credentials.every(({ url }) => url.startsWith('/token?'))).toBe(true);
  });

  it('by Bearer gets a new token when the old one has ended', async () => {
    const { registry, root } = await served({ auth: { scheme: 'bearer', usesPerToken: 2 } });
    const { repository } = connect(registry);
    for (let round = 0; round < 5; round++) await repository.readManifest(root);
    expect(registry.tokens()).toBe(3);
  });

  it.each(['{"token":"t","access_token":null}', '{"token":"t","expires_in":0}', '{"token":"t","expires_in":null}'])(
    'by Bearer takes the token of %s, and takes it once',
    async (body) => {
      const { registry, root } = await served();
      registry.faults.push(
        { when: ({ url }) => url.startsWith('/token'), fault: { kind: 'answer', status: 200, body } },
        {
          when: ({ headers }) => headers['authorization'] !== 'Bearer t',
          fault: { kind: 'answer', status: 401, headers: { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` } },
        },
      );
      const { repository } = connect(registry);
      await repository.readManifest(root);
      await repository.readManifest(root);
      expect(registry.requests.map(({ url }) => url.split(/[/?]/)[1])).toEqual(['v2', 'token', 'v2', 'v2']);
    },
  );

  it('by an identity token uses the OAuth form', async () => {
    const { registry, root } = await served({ auth: { scheme: 'bearer', username: 'me', password: 'x', identityToken: 'refresh' } });
    const { repository } = connect(registry, { auth: async () => ({ kind: 'identity', token: 'refresh' }) });
    await repository.readManifest(root);
    expect(registry.requests.map(({ method, url }) => `${method} ${url.split('/')[1]}`)).toEqual(['GET v2', 'POST token', 'GET v2']);
  });

  it('reads a public image without credentials, and is refused a push', async () => {
    const { registry, image, root } = await served({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
    const { repository } = connect(registry);
    await verifyImage(repository, root);
    expect(await codeOf(() => repository.putManifest(image.index.descriptor, image.index.bytes))).toBe('ERR_REGISTRY_AUTH');
  });

  it.each(['basic', 'bearer'] as const)('by %s with the wrong word is refused once, without showing it', async (scheme) => {
    const { registry, root } = await served({ auth: { scheme, username: 'me', password: 'right' } });
    const error = await errorOf(() => connect(registry, { auth: me }).repository.readManifest(root));
    expect(error.code).toBe('ERR_REGISTRY_AUTH');
    expect(`${error.message} ${error.stack}`).not.toMatch(/hunter2|bWU6aHVudGVyMg/);
    expect(registry.requests).toHaveLength(2);
  });

  it('never shows a secret that a registry echoes', async () => {
    const { registry, root } = await served({ auth: { scheme: 'basic', username: 'me', password: 'hunter2' } });
    const encoded = Buffer.from('me:hunter2').toString('base64');
    registry.faults.push({
      when: ({ headers }) => headers['authorization'] !== undefined,
      fault: { kind: 'answer', status: 400, body: `bad header: Basic ${encoded}, me:hunter2` },
    });
    const error = await errorOf(() => connect(registry, { auth: me }).repository.readManifest(root));
    expect(error.message).toMatch('bad header: Basic ***, me:***');
  });

  it.each([
    ['basic', 'hunter2'],
    ['identity', 'a/refresh+token'],
  ] as const)('never shows a secret that a token service echoes: %s', async (kind, secret) => {
    const { registry, root } = await served({ auth: { scheme: 'bearer', username: 'you', password: 'x' } });
    const [plain, encoded] = [`me:${secret} refresh_token=${secret}`, `refresh_token=${encodeURIComponent(secret)}`];
    registry.faults.push({ when: ({ url }) => url.startsWith('/token'), fault: { kind: 'answer', status: 503, body: `not now, ${plain} ${encoded}` } });
    const auth: CredentialSource = async () => (kind === 'basic' ? { kind, username: 'me', password: secret } : { kind, token: secret });
    const error = await errorOf(() => connect(registry, { auth }).repository.readManifest(root));
    expect(error.code).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(error.message).toMatch(/the token service .* answered 503\n/);
    expect(error.message).not.toContain(secret);
    expect(error.message).not.toContain(encodeURIComponent(secret));
  });

  it('is not sent along to where blobs are, nor asked for by it', async () => {
    const { registry, image, root } = await served({ auth: { scheme: 'basic', username: 'me', password: 'hunter2' }, blobsElsewhere: true });
    const { repository } = connect(registry, { auth: me });
    await copyImage(repository, openStore(join(temporaryFolder('oci'), 'store')), root);
    const elsewhere = registry.requests.filter(({ url }) => url.startsWith('/elsewhere/'));
    expect(elsewhere).toHaveLength(image.blobs.length);
    expect(elsewhere.map(({ host, headers }) => [host.split(':')[0], headers['authorization']])).toEqual(elsewhere.map(() => ['localhost', undefined]));
  });

  it('of an address that a registry gave is never shown', async () => {
    const registry = await registryWith();
    const [location, body] = [`http://${registry.host}/put?signature=canary`, Buffer.from('blob')];
    registry.faults.push(
      { when: ({ method }) => method === 'POST', fault: { kind: 'answer', status: 202, headers: { location } } },
      { when: ({ method }) => method === 'PUT', fault: { kind: 'answer', status: 400, body: 'no' } },
    );
    const error = await errorOf(() => connect(registry).repository.putBlob({ digest: sha256(body), size: 4 }, () => chunksOf(body)));
    expect(error.message).toContain(`PUT http://${registry.host}/put: 400 no`);
    expect(`${error.message} ${error.stack}`).not.toContain('canary');
  });

  it('is not given to a token service that the place of the blobs names', async () => {
    const { registry, image } = await served({ blobsElsewhere: true });
    const stranger = await registryWith();
    registry.faults.push({
      when: ({ url }) => url.startsWith('/elsewhere/'),
      fault: { kind: 'answer', status: 401, headers: { 'www-authenticate': `Bearer realm="http://${stranger.host}/token"` } },
    });
    const { repository } = connect(registry, { auth: me });
    expect(await codeOf(() => drain(repository.openBlob(image.blobs[1]!.descriptor)))).toBe('ERR_REGISTRY_AUTH');
    expect(stranger.requests).toEqual([]);
    expect(authorizations(registry)).toEqual([undefined, undefined]);
  });

  it('is not sent to an upload address of another origin', async () => {
    const registry = await registryWith({ auth: { scheme: 'basic', username: 'me', password: 'hunter2' } });
    const other = await registryWith({ faults: [{ when: ({ method }) => method === 'PUT', fault: { kind: 'answer', status: 201 } }] });
    registry.faults.push({
      when: ({ method, headers }) => method === 'POST' && headers['authorization'] !== undefined,
      fault: { kind: 'answer', status: 202, headers: { location: `http://${other.host}/put?signature=s` } },
    });
    const bytes = Buffer.from('blob');
    await connect(registry, { auth: me }).repository.putBlob({ digest: sha256(bytes), size: 4 }, () => chunksOf(bytes));
    expect(authorizations(other)).toEqual([undefined]);
    expect(other.requests[0]?.url).toBe(`/put?signature=s&digest=${encodeURIComponent(sha256(bytes))}`);
  });

  it('is refused to a token service in the clear on another machine', async () => {
    const { registry, root } = await served({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2', realm: 'http://auth.example/token' } });
    expect(await codeOf(() => connect(registry, { auth: me }).repository.readManifest(root))).toBe('ERR_REGISTRY_PROTOCOL');
    expect(authorizations(registry)).toEqual([undefined]);
  });

  it('asks a token service that cannot now again', async () => {
    const { registry, root } = await served({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
    registry.faults.push(once(({ url }) => url.startsWith('/token'), { kind: 'answer', status: 503 }));
    expect((await connect(registry, { auth: me }).repository.readManifest(root)).descriptor.digest).toBe(root);
  });

  it('is not asked of credential sources by a registry that wants none', async () => {
    const { registry, root } = await served();
    const auth: CredentialSource = async () => {
      throw new Error('asked');
    };
    await connect(registry, { auth }).repository.readManifest(root as Digest);
  });
});

describe('A redirect without end', () => {
  it('is given up', async () => {
    const { registry, root } = await served();
    registry.faults.push({ when: onManifest, fault: { kind: 'answer', status: 302, headers: { location: '/v2/team/app/manifests/again' } } });
    expect(await codeOf(() => connect(registry).repository.readManifest(root))).toBe('ERR_REGISTRY_PROTOCOL');
  });
});
