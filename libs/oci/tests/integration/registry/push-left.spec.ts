import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatReference } from '@pinlane/contracts';
import {
  codeOf,
  errorOf,
  makeImage,
  startRegistry,
  temporaryFolder,
  type Fault,
  type RegistryOptions,
  type SeenRequest,
  type TestRegistry,
} from '@pinlane/testing';
import { pushImage, verifyImage, type BlobDescriptor, type Store } from '../../../src/index.ts';
import { blobRequests, leaveLayers, opened, reachingStore, repositoryIn } from '../../support/left-base.ts';

let folder: string;
const closing: (() => Promise<void>)[] = [];
const registryWith = async (options: RegistryOptions = {}): Promise<TestRegistry> => {
  const started = await startRegistry({ separate: true, ...options });
  closing.push(started.close);
  return started;
};
beforeEach(() => {
  folder = temporaryFolder('oci');
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** An image of a store whose layers are in `from`, of so many bytes each. */
const leftIn = async (from: TestRegistry, layerSize = 100_000, idleMs = 5_000) => {
  const { store, lines } = reachingStore(folder, { idleMs, retry: { attempts: 3 } });
  return { store, lines, ...(await leaveLayers(store, from, 'team/base', makeImage({ layerSize }))) };
};
const target = (registry: TestRegistry) => opened(repositoryIn(registry, 'team/app'), { mountFrom: repositoryIn(registry, 'team/base') });
const keptIn = async (store: Store, layers: readonly BlobDescriptor[]) =>
  (await Promise.all(layers.map((layer) => store.hasBlob(layer)))).filter(Boolean).length;
const manifestPuts = ({ requests }: TestRegistry) => requests.filter(({ method, url }) => method === 'PUT' && url.includes('/manifests/'));
const isLayer = (request: SeenRequest): boolean => request.method === 'GET' && request.url.includes('/blobs/sha256:');

describe('The push of an image whose layers were left in a registry', () => {
  it('mounts them if it is the same registry, without a byte of theirs', async () => {
    const registry = await registryWith();
    const { store, root, layers, lines } = await leftIn(registry);
    const { uploaded } = await pushImage(store, target(registry), root, { progress: (line) => void lines.push(line) });
    expect(blobRequests(registry, 'GET')).toEqual([]);
    expect(uploaded.bytes).toBeLessThan(2_000);
    const mounts = registry.requests.filter(({ method, url }) => method === 'POST' && url.includes('mount='));
    expect(mounts.every(({ url }) => url.includes('from=team%2Fbase'))).toBe(true);
    expect(mounts.length).toBeGreaterThanOrEqual(layers.length);
    expect(await keptIn(store, layers)).toBe(0);
    expect(lines.filter((line) => /^mounted .*\(100000 bytes\)$/.test(line))).toHaveLength(layers.length);
    await verifyImage(target(registry), root);
  });

  it.each([
    ['the same registry refuses to mount them', true],
    ['it is another registry', false],
  ])('passes them on and keeps nothing of them if %s', async (_, same) => {
    const from = await registryWith({ refusesMounts: true });
    const to = same ? from : await registryWith();
    const { store, root, layers, lines } = await leftIn(from);
    const { uploaded } = await pushImage(store, target(to), root, { progress: (line) => void lines.push(line) });
    expect(blobRequests(from, 'GET').sort()).toEqual(layers.map(({ digest }) => digest).sort());
    expect(uploaded.bytes).toBeGreaterThan(200_000);
    expect(lines.join('\n')).toMatch(/reading layer .* \(0\.1 MB\) of .*team\/base/);
    expect(await keptIn(store, layers)).toBe(0);
    await verifyImage(target(to), root);
  });

  it.each<[string, Fault, number]>([
    ['breaks off', { kind: 'truncate', bytes: 30_000 }, 2],
    ['is refused for a while', { kind: 'answer', status: 503 }, 2],
    ['is cut before it begins', { kind: 'reset' }, 2],
  ])('goes on where the stream from the other registry %s', async (_, fault, times) => {
    const [from, to] = [await registryWith(), await registryWith()];
    const { store, root, layers } = await leftIn(from);
    from.faults.push({ when: isLayer, times, fault });
    await pushImage(store, target(to), root);
    await verifyImage(target(to), root);
    expect(await keptIn(store, layers)).toBe(0);
    const resumed = from.requests.filter((request) => isLayer(request) && request.headers.range !== undefined);
    expect(resumed.length > 0).toBe(fault.kind === 'truncate');
  });

  it.each([100, 100_000, 600_000])('begins a layer of %i bytes anew where the target breaks off', async (layerSize) => {
    const [from, to] = [await registryWith(), await registryWith({ largestChunk: 1_000_000 })];
    const { store, root } = await leftIn(from, layerSize);
    to.faults.push({ when: ({ method, url }) => ['PUT', 'PATCH'].includes(method) && url.includes('/uploads/'), times: 2, fault: { kind: 'reset' } });
    const chunked = opened(repositoryIn(to, 'team/app'), { chunks: { above: 500_000, sizes: [200_000] } });
    await pushImage(store, chunked, root);
    await verifyImage(chunked, root);
  });

  const faults: readonly (readonly [string, Fault, string])[] = [
    ['vanished', { kind: 'answer', status: 404 }, 'ERR_LAYER_GONE'],
    ['became another', { kind: 'answer', status: 200, body: 'x'.repeat(600_000) }, 'ERR_DIGEST_MISMATCH'],
    ['is in a registry that is down', { kind: 'answer', status: 503 }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['is in a registry that hangs', { kind: 'hang' }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['breaks off again and again', { kind: 'truncate', bytes: 0 }, 'ERR_REGISTRY_UNAVAILABLE'],
  ];
  it.each(faults.flatMap((fault) => [100, 600_000].map((size) => [...fault, size] as const)))(
    'puts no manifest and names layer, image and repository if one %s (%#)',
    async (_, fault, code, layerSize) => {
      const [from, to] = [await registryWith(), await registryWith()];
      const { store, root, layers, known } = await leftIn(from, layerSize, 200);
      from.faults.push({ when: (request) => isLayer(request) && request.url.endsWith(layers[1]!.digest), fault });
      const error = (await errorOf(() => pushImage(store, target(to), root))) as Error & { code: string };
      expect(error.code).toBe(code);
      for (const part of [layers[1]!.digest, formatReference(known)]) expect(error.message).toContain(part);
      expect(manifestPuts(to)).toEqual([]);
    },
  );

  it('is a named error, before any manifest, if a layer vanished from the registry that is pushed to', async () => {
    const registry = await registryWith();
    const { store, root, layers } = await leftIn(registry);
    registry.blobs.delete(layers[0]!.digest);
    expect(await codeOf(() => pushImage(store, target(registry), root))).toBe('ERR_LAYER_GONE');
    expect(manifestPuts(registry)).toEqual([]);
  });
});
