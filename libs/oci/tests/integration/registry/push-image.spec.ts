import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository, type Digest } from '@pinlane/contracts';
import {
  codeOf,
  errorOf,
  jsonBytes,
  makeImage,
  sourceOf,
  startFaultyProxy,
  startRegistry,
  temporaryFolder,
  type RegistryOptions,
  type SeenRequest,
  type TestRegistry,
} from '@pinlane/testing';
import {
  describe as describeBytes,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  openRepository,
  protectingTag,
  pushImage,
  readImage,
  sha256,
  verifyImage,
  type CredentialSource,
  type Descriptor,
  type RepositoryOptions,
} from '../../../src/index.ts';
import { sourceOfBytes } from '../../support/images.ts';
import { writers } from '../../support/processes.ts';

const started = writers();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const me: CredentialSource = async () => ({ kind: 'basic', username: 'me', password: 'hunter2' });

const registryWith = async (options: RegistryOptions = {}) => {
  const registry = await startRegistry(options);
  closing.push(registry.close);
  return registry;
};

const connect = ({ host }: { readonly host: string }, options: RepositoryOptions = {}) =>
  openRepository(parseRepository(`${host}/team/app`), {
    auth: async () => undefined,
    ...options,
    retry: { sleep: async () => undefined, random: () => 0, ...options.retry },
  });

const kinds = ({ requests }: TestRegistry) =>
  requests.map(({ method, url }) => `${method} ${/\/(manifests|blobs\/uploads|blobs)\//.exec(url)?.[1]}${/manifests\/pin-/.test(url) ? ' tag' : ''}`);
const counted = (all: readonly string[]) => Object.fromEntries([...new Set(all)].sort().map((one) => [one, all.filter((each) => each === one).length]));

describe('The push of an image', () => {
  it('takes one HEAD, POST and PUT a blob, one PUT and two GETs a manifest, and one HEAD a blob to see it there', async () => {
    const registry = await registryWith();
    const image = makeImage();
    await pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest);
    expect(counted(kinds(registry))).toEqual({
      'HEAD blobs': 8,
      'POST blobs/uploads': 4,
      'PUT blobs/uploads': 4,
      'PUT manifests tag': 3,
      'GET manifests': 3,
      'GET manifests tag': 3,
    });
  });

  it('puts every manifest under its protecting tag, children before the index, and the tags for people last', async () => {
    const registry = await registryWith();
    const image = makeImage();
    const { digest } = image.index.descriptor;
    const pushed = await pushImage(sourceOf(image), connect(registry), digest, { tags: ['latest', 'v1'], concurrency: 1 });
    const [amd64, arm64] = image.platforms.map(({ descriptor }) => descriptor.digest) as [Digest, Digest];
    const puts = registry.requests.filter(({ method, url }) => method === 'PUT' && url.includes('/manifests/'));
    const names = puts.map(({ url }) => url.split('/').at(-1)!);
    expect(names).toEqual([...[amd64, arm64, digest].map(protectingTag), 'latest', 'v1']);
    expect(pushed.descriptor).toEqual(image.index.descriptor);
    expect(pushed.manifests.map(({ descriptor, tag }) => [descriptor.digest, tag])).toEqual([amd64, arm64, digest].map((each) => [each, protectingTag(each)]));
    expect(pushed.uploaded).toEqual({ blobs: 4, bytes: image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0) });
    expect(protectingTag(digest)).toBe(`pin-${digest.slice(7, 19)}`);
  });

  it('sends nothing twice, and ends the same', async () => {
    const registry = await registryWith();
    const image = makeImage();
    const push = () => pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { tags: ['v1'] });
    const first = await push();
    const held = new Map(registry.manifests);
    registry.requests.length = 0;
    const again = await push();
    expect(again.manifests).toEqual(first.manifests);
    expect(again.uploaded).toEqual({ blobs: 0, bytes: 0 });
    expect(registry.requests.filter(({ method }) => method === 'POST' || method === 'DELETE')).toEqual([]);
    expect(new Map(registry.manifests)).toEqual(held);
  });

  it('goes on with a new token, whichever request finds the old one ended', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2', usesPerToken: 2 } });
    const image = makeImage({ layerSize: 5000 });
    const repository = connect(registry, { auth: me, chunks: { above: 2000, sizes: [2000] } });
    await pushImage(sourceOf(image), repository, image.index.descriptor.digest, { concurrency: 1 });
    await verifyImage(repository, image.index.descriptor.digest, { blobs: 'hashed' });
    expect(registry.tokens()).toBeGreaterThan(10);
  });

  it('makes a repository of which the registry tells nothing to those who only read', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
    // As on Docker Hub: who may read what is not there yet gets a token that is good for nothing.
    const reads = ({ url }: SeenRequest) => url.startsWith('/token') && !url.includes('push');
    registry.faults.push({ when: reads, fault: { kind: 'answer', status: 200, body: '{"token":"for-nothing"}' } });
    const image = makeImage();
    const { digest } = image.index.descriptor;
    expect(await codeOf(() => pushImage(sourceOf(image), connect(registry, { auth: me }), digest))).toBe('ERR_REGISTRY_AUTH');
    await pushImage(sourceOf(image), connect(registry, { auth: me, writes: true }), digest);
    expect(registry.manifests.has(`team/app@${digest}`)).toBe(true);
    expect(registry.tokens()).toBe(1);
  });

  it('brings what a clean-up took away between the look and the manifest', async () => {
    const registry = await registryWith();
    const image = makeImage();
    for (const { descriptor, bytes } of image.blobs) registry.blobs.set(descriptor.digest, bytes);
    let cleaned = false;
    registry.faults.push({
      when: ({ method, url }) => {
        if (method === 'PUT' && url.includes('/manifests/') && !cleaned) {
          cleaned = true;
          registry.blobs.clear();
        }
        return false;
      },
      fault: { kind: 'reset' },
    });
    const lines: string[] = [];
    const { uploaded } = await pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { progress: (line) => lines.push(line) });
    expect(uploaded.blobs).toBe(4);
    expect(lines.filter((line) => line.includes('lacks what it said to have'))).not.toEqual([]);
    await verifyImage(connect(registry), image.index.descriptor.digest, { blobs: 'hashed' });
  });

  it('sends the bytes of what a mount did not bring after all', async () => {
    const registry = await registryWith();
    const image = makeImage();
    registry.faults.push({ when: ({ url }) => url.includes('mount='), fault: { kind: 'answer', status: 201 } });
    const repository = connect(registry, { mountFrom: parseRepository(`${registry.host}/team/base`) });
    await pushImage(sourceOf(image), repository, image.index.descriptor.digest);
    await verifyImage(connect(registry), image.index.descriptor.digest, { blobs: 'hashed' });
  });

  it('gives up a registry that goes on saying that it has what it lacks', async () => {
    const registry = await registryWith();
    const image = makeImage({ architectures: ['amd64'] });
    registry.faults.push({ when: ({ method, url }) => method === 'PUT' && url.includes('/blobs/uploads/'), fault: { kind: 'answer', status: 201 } });
    expect(await codeOf(() => pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest))).toBe('ERR_BLOB_UNKNOWN');
    expect(kinds(registry).filter((kind) => kind === 'PUT manifests tag')).toHaveLength(8);
    expect(registry.manifests.size).toBe(0);
  });

  it('is not over before a protecting tag names what it was put on', async () => {
    const registry = await registryWith();
    const [image, other] = [makeImage(), makeImage()];
    const { digest } = image.index.descriptor;
    registry.faults.push({
      when: ({ method, url }) => method === 'GET' && url.endsWith(protectingTag(digest)),
      fault: { kind: 'answer', status: 200, headers: { 'content-type': OCI_INDEX, 'docker-content-digest': digest }, body: other.index.bytes },
    });
    expect(await codeOf(() => pushImage(sourceOf(image), connect(registry), digest))).toBe('ERR_DIGEST_MISMATCH');
  });

  it('moves no tag of people to an image of which a blob was lost meanwhile', async () => {
    const registry = await registryWith();
    const image = makeImage();
    registry.faults.push({
      when: ({ method, url }) => method === 'HEAD' && url.includes('/blobs/') && registry.requests.some(({ url }) => url.includes('/manifests/')),
      fault: { kind: 'answer', status: 404 },
    });
    expect(await codeOf(() => pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { tags: ['v1'] }))).toBe('ERR_BLOB_UNKNOWN');
    expect([...registry.manifests.keys()].filter((key) => key.endsWith(':v1'))).toEqual([]);
  });

  it('ends when it is called off', async () => {
    const registry = await registryWith();
    const image = makeImage();
    const controller = new AbortController();
    const push = pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, {
      signal: controller.signal,
      progress: () => controller.abort(),
      concurrency: 1,
    });
    expect(await codeOf(() => push)).toBe('ERR_CANCELLED');
    expect(registry.manifests.size).toBe(0);
  });
});

/** The bytes of images that nobody should pin. */
const wrongImages = () => {
  const config = (architecture: string, layer: Uint8Array) =>
    jsonBytes({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [sha256(layer)] } });
  const child = (architecture: string, word: string) => {
    const layer = Buffer.from(word);
    const own = config(architecture, layer);
    const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describeBytes(OCI_CONFIG, own), layers: [describeBytes(OCI_LAYER, layer)] });
    return { bytes, descriptor: describeBytes(OCI_MANIFEST, bytes), all: [layer, own, bytes] };
  };
  const index = (entries: readonly (Descriptor & object)[]) => jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries });
  const on = (descriptor: Descriptor, architecture: string, os = 'linux'): Descriptor => ({ ...descriptor, platform: { os, architecture } });
  const [a, b] = [child('amd64', 'a'), child('amd64', 'b')];
  return [
    ['a child that is missing', 'ERR_MANIFEST_UNKNOWN', index([on(a.descriptor, 'amd64')]), []],
    ['two manifests for one platform', 'ERR_MANIFEST_INVALID', index([on(a.descriptor, 'amd64'), on(b.descriptor, 'amd64')]), [...a.all, ...b.all]],
    ['unknown/unknown alone', 'ERR_PLATFORM_MISSING', index([on(a.descriptor, 'unknown', 'unknown')]), a.all],
    ['a config of another architecture', 'ERR_MANIFEST_INVALID', index([on(a.descriptor, 'arm64')]), a.all],
    ['a manifest of 5 MB', 'ERR_MANIFEST_INVALID', Buffer.concat([index([on(a.descriptor, 'amd64')]), Buffer.alloc(5_000_000, ' ')]), a.all],
  ] as const;
};

describe('An image with', () => {
  it.each(wrongImages())('%s is not pushed, and nothing of it: %s', async (_, code, root, others) => {
    const registry = await registryWith();
    expect(await codeOf(() => pushImage(sourceOfBytes([root, ...others]), connect(registry), sha256(root)))).toBe(code);
    expect(registry.requests).toEqual([]);
  });

  it.each(wrongImages())('%s is not believed when it is pulled: %s', async (_, code, root, others) => {
    const registry = await registryWith();
    for (const bytes of [root, ...others]) {
      registry.blobs.set(sha256(bytes), bytes);
      registry.manifests.set(`team/app@${sha256(bytes)}`, { mediaType: OCI_INDEX, bytes });
    }
    expect(await codeOf(() => readImage(connect(registry), sha256(root)))).toBe(code);
  });
});

describe('An index in an index', () => {
  const image = makeImage({ architectures: ['amd64'] });
  const platform = { os: 'linux', architecture: 'amd64' };
  const inner = Buffer.from(image.index.bytes);
  const outer = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...describeBytes(OCI_INDEX, inner), platform }] });
  const all = [outer, inner, ...[...image.platforms, ...image.blobs].map(({ bytes }) => bytes)];

  it('is not pushed, and nothing of it: the entry of a platform that is pinned is its manifest', async () => {
    const registry = await registryWith();
    const error = await errorOf(() => pushImage(sourceOfBytes(all), connect(registry), sha256(outer)));
    expect(error.message).toMatch(/^ERR_MANIFEST_INVALID: sha256:\w+ is an index in an index, and a manifest is needed/);
    expect(registry.requests).toEqual([]);
  });

  it('is looked into when it is pulled, and gives the manifest', async () => {
    const registry = await registryWith();
    for (const bytes of all) {
      registry.blobs.set(sha256(bytes), bytes);
      registry.manifests.set(`team/app@${sha256(bytes)}`, { mediaType: bytes === outer || bytes === inner ? OCI_INDEX : OCI_MANIFEST, bytes });
    }
    const { platforms } = await readImage(connect(registry), sha256(outer));
    expect(platforms.map(({ descriptor }) => descriptor.digest)).toEqual([image.platforms[0]!.descriptor.digest]);
  });
});

describe('Credentials', () => {
  it('are not sent in the clear to a token service on another host', async () => {
    const [registry, stranger] = [await registryWith(), await registryWith()];
    // Reaches this machine, and is no loopback name.
    const realm = `http://0.0.0.0:${stranger.host.split(':')[1]}/token`;
    const proxy = await startFaultyProxy({ upstream: registry.host, auth: { scheme: 'bearer', username: 'me', password: 'hunter2', realm } });
    closing.push(proxy.close);
    const image = makeImage();
    const error = await errorOf(() => pushImage(sourceOf(image), connect(proxy, { auth: me }), image.index.descriptor.digest));
    expect(error.code).toBe('ERR_REGISTRY_PROTOCOL');
    expect(`${error.message} ${error.stack}`).not.toContain('hunter2');
    expect([stranger.requests, registry.requests]).toEqual([[], []]);
  });

  it('in a body are not sent on where the token service redirects', async () => {
    const [registry, stranger] = [await registryWith({ auth: { scheme: 'bearer', username: 'me', password: 'x' } }), await registryWith()];
    registry.faults.push({
      when: ({ url }) => url.startsWith('/token'),
      fault: { kind: 'answer', status: 307, headers: { location: `http://${stranger.host}/token` } },
    });
    const repository = connect(registry, { auth: async () => ({ kind: 'identity', token: 'canary' }) });
    expect(await codeOf(() => repository.resolve('latest'))).toBe('ERR_REGISTRY_PROTOCOL');
    expect(stranger.requests).toEqual([]);
  });

  it('are asked for without the scope of a mount where the service refuses it', async () => {
    const registry = await registryWith({ auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
    registry.faults.push({ when: ({ url }) => url.startsWith('/token') && url.includes('secret-base'), fault: { kind: 'answer', status: 403 } });
    const image = makeImage();
    const repository = connect(registry, { auth: me, mountFrom: parseRepository(`${registry.host}/team/secret-base`) });
    await pushImage(sourceOf(image), repository, image.index.descriptor.digest);
    await verifyImage(repository, image.index.descriptor.digest, { blobs: 'hashed' });
  });
});

describe('A registry whose tags can not be moved', () => {
  it.each([
    [400, 'TAG_INVALID'],
    [403, 'DENIED'],
    [412, 'PRECONDITION'],
  ])('and that refuses with %d %s is pushed the same image again, and no tag to another', async (status, code) => {
    const registry = await registryWith();
    const [image, other] = [makeImage(), makeImage()];
    const { digest } = image.index.descriptor;
    await pushImage(sourceOf(image), connect(registry), digest, { tags: ['v1'] });
    const isTagThere = ({ method, url }: SeenRequest) => method === 'PUT' && registry.manifests.has(url.replace('/v2/', '').replace('/manifests/', ':'));
    registry.faults.push({ when: isTagThere, fault: { kind: 'answer', status, body: JSON.stringify({ errors: [{ code, message: 'immutable' }] }) } });
    await pushImage(sourceOf(image), connect(registry), digest, { tags: ['v1'] });
    const moved = await errorOf(() => pushImage(sourceOf(other), connect(registry), other.index.descriptor.digest, { tags: ['v1'] }));
    expect(moved.message).toContain('immutable');
    expect((await connect(registry).resolve('v1')).digest).toBe(digest);
  });

  it('is not taken at its tag where it lacks parts of what the tag names', async () => {
    const registry = await registryWith();
    const image = makeImage();
    const { descriptor, bytes } = image.index;
    await pushImage(sourceOf(image), connect(registry), descriptor.digest, { tags: ['v1'] });
    registry.manifests.delete(`team/app@${image.platforms[0]!.descriptor.digest}`);
    expect(await codeOf(() => connect(registry).tag('v1', descriptor, bytes))).toBe('ERR_BLOB_UNKNOWN');
  });
});

describe('A registry that speaks plain HTTP where it should not', () => {
  it('gets nothing, and the error names the option', async () => {
    const registry = await registryWith();
    const name = parseRepository(`0.0.0.0:${registry.host.split(':')[1]}/team/app`);
    const error = await errorOf(() => openRepository(name, { auth: me }).resolve('latest'));
    expect(error.code).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(error.message).toContain(`PINLANE_INSECURE_REGISTRY=${name.host}`);
    expect(registry.requests).toEqual([]);
    expect(await codeOf(() => openRepository(name, { auth: me, insecure: true }).resolve('latest'))).toBe('ERR_MANIFEST_UNKNOWN');
  });
});

describe('The slots for pushes', () => {
  const slotsIn = async (count: number, patienceMs = 60_000) => ({ folder: join(temporaryFolder('oci'), 'slots'), count, patienceMs });

  it('let no more pushes run at once than there are', async () => {
    const registry = await registryWith();
    const slots = await slotsIn(2);
    let most = 0;
    let now = 0;
    const push = async () => {
      const image = makeImage();
      let begun = false;
      const progress = (line: string) => {
        if (line.startsWith('waiting') || begun) return;
        begun = true;
        most = Math.max(most, ++now);
      };
      await pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { slots, progress });
      now--;
    };
    await Promise.all(Array.from({ length: 6 }, push));
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('are free again when their holder was killed', async () => {
    const registry = await registryWith();
    const slots = await slotsIn(1);
    const holder = started('hold-slot', slots.folder, registry.host, '1');
    await holder.said(1);
    const image = makeImage();
    const lines: string[] = [];
    const push = pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { slots, progress: (line) => lines.push(line) });
    while (!lines.some((line) => line.startsWith('waiting'))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(registry.requests).toEqual([]);
    await holder.kill();
    await push;
    await verifyImage(connect(registry), image.index.descriptor.digest);
  });

  it('are waited for no longer than patience lasts', async () => {
    const registry = await registryWith();
    const slots = await slotsIn(1, 0);
    const holder = started('hold-slot', slots.folder, registry.host, '1');
    await holder.said(1);
    const image = makeImage();
    await pushImage(sourceOf(image), connect(registry), image.index.descriptor.digest, { slots });
    await verifyImage(connect(registry), image.index.descriptor.digest);
  });
});
