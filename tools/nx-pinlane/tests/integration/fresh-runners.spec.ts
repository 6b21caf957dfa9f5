import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRepository, type Digest } from '@pinlane/contracts';
import { OCI_INDEX, openRepository, protectingTag, verifyImage } from '@pinlane/oci';
import { lackOf, requirement, startFaultyProxy, type FaultyProxy, type SeenRequest } from '@pinlane/testing';
import { makeDockerRegistry, type DockerRegistry } from './support/docker-registry.ts';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const FOLDER = 'processors/acme-base';
const FILE = `${FOLDER}/registry.yaml`;

let registry: DockerRegistry;
let proxies: readonly [FaultyProxy, FaultyProxy];
/** Two machines that have a clone each, and nothing else. */
const withRunners = (work: (one: TestWorkspace, other: TestWorkspace) => Promise<void>): Promise<void> =>
  withWorkspace((one) => withWorkspace((other) => work(one, other), 'other'), 'one');

const staging = (proxy: FaultyProxy, path: string) => ({ PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${proxy.host}/${path}` });
const pin = ({ pinlaneWith }: TestWorkspace, proxy: FaultyProxy, path: string): Promise<Ran> => pinlaneWith(staging(proxy, path), 'pin', 'acme-base');

const hushed = ({ exitCode, output }: Ran) => ({ exitCode, output: exitCode === 0 ? '' : output });
const fine = { exitCode: 0, output: '' };

/** What registry.yaml pins: both platforms, the index and the fingerprint. */
const pinned = async ({ read }: TestWorkspace): Promise<Digest[]> => ((await read(FILE)).match(/sha256:[0-9a-f]{64}/g) ?? []) as Digest[];

/** Whether everything that was pinned is in the registry, whole and under its tags. */
const requireNamed = async (path: string, digests: readonly Digest[]): Promise<void> => {
  const repository = openRepository(parseRepository(`${registry.host}/${path}/acme-base`), { auth: async () => undefined });
  const [fingerprint, ...manifests] = [...digests].reverse() as [Digest, ...Digest[]];
  expect(manifests).toHaveLength(3);
  for (const digest of manifests) expect((await repository.resolve(protectingTag(digest))).digest).toBe(digest);
  expect((await repository.resolve(`source-${fingerprint.slice('sha256:'.length)}`)).digest).toBe(digests[2]);
  expect((await verifyImage(repository, digests[2]!)).platforms).toHaveLength(2);
};

const isWrite = ({ method }: SeenRequest): boolean => method !== 'GET' && method !== 'HEAD';
const indexPuts = ({ requests }: FaultyProxy) =>
  requests.filter(({ method, url, headers }) => method === 'PUT' && url.includes('/manifests/pin-') && headers['content-type'] === OCI_INDEX);
const isSourceTag = ({ method, url }: SeenRequest): boolean => method === 'GET' && url.includes('/manifests/source-');

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('Two fresh runners at once', () => {
  beforeAll(async () => {
    registry = await makeDockerRegistry();
    // The way of each runner to the one registry.
    proxies = [await startFaultyProxy({ upstream: registry.host }), await startFaultyProxy({ upstream: registry.host })];
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await registry.close();
  });

  it('that build the same source pin the same image, and a third finds it', async () => {
    await withRunners(async (one, other) => {
      // Neither is told of the other's image, so that both build and push, whoever is faster.
      for (const proxy of proxies) proxy.rules.push({ when: isSourceTag, times: 1, fault: { kind: 'answer', status: 404 } });
      const ran = await Promise.all([pin(one, proxies[0], 'same'), pin(other, proxies[1], 'same')]);
      expect(ran.map(hushed)).toEqual([fine, fine]);
      // A registry of files may deny what is written twice at once for a moment, and then it is put again.
      expect(proxies.map((proxy) => indexPuts(proxy).length > 0)).toEqual([true, true]);
      expect(await pinned(one)).toEqual(await pinned(other));
      await requireNamed('same', await pinned(one));
      await withWorkspace(async (third) => {
        proxies[0].requests.length = 0;
        expect(hushed(await pin(third, proxies[0], 'same'))).toEqual(fine);
        expect(proxies[0].requests.filter(isWrite)).toEqual([]);
        expect(await pinned(third)).toEqual(await pinned(one));
      });
    });
  }, 120_000);

  it('that build two sources of one processor each pin their own, and both images stay', async () => {
    await withRunners(async (one, other) => {
      await other.write({ [`${FOLDER}/packages.txt`]: 'libc6\nzlib1g\n' });
      const ran = await Promise.all([pin(one, proxies[0], 'two'), pin(other, proxies[1], 'two')]);
      expect(ran.map(hushed)).toEqual([fine, fine]);
      const [first, second] = [await pinned(one), await pinned(other)];
      expect(first.filter((digest) => second.includes(digest))).toEqual([]);
      await requireNamed('two', first);
      await requireNamed('two', second);
    });
  }, 120_000);

  it.each([
    // Whether it uploads one is up to the other, which may be faster.
    ['looks whether a layer is there', ({ url }: SeenRequest) => url.includes('/blobs/')],
    ['puts a manifest', ({ method, url }: SeenRequest) => method === 'PUT' && url.includes('/manifests/pin-')],
    ['puts the tag of the fingerprint', ({ method, url }: SeenRequest) => method === 'PUT' && url.includes('/manifests/source-')],
  ])(
    'of which one is killed as it %s: the other pins, and the next run of the one finds its image',
    async (name, when) => {
      const path = name.replaceAll(' ', '-');
      await withRunners(async (one, other) => {
        for (const proxy of proxies) proxy.rules.push({ when: isSourceTag, times: 1, fault: { kind: 'answer', status: 404 } });
        const kill = new AbortController();
        proxies[0].rules.push({ when: (request) => when(request) && (kill.abort(), false), fault: { kind: 'reset' } });
        const killed = one.pinlaneKilled(kill.signal, staging(proxies[0], path), 'pin', 'acme-base');
        const [{ exitCode }, survivor] = await Promise.all([killed, pin(other, proxies[1], path)]);
        expect([exitCode, hushed(survivor)]).toEqual([null, fine]);
        const digests = await pinned(other);
        await requireNamed(path, digests);
        proxies.forEach(({ rules }) => void (rules.length = 0));
        // A runner is gone with all that it had.
        await one.remove('.pinlane');
        proxies[0].requests.length = 0;
        expect(hushed(await pin(one, proxies[0], path))).toEqual(fine);
        expect(proxies[0].requests.filter(isWrite)).toEqual([]);
        expect(await pinned(one)).toEqual(digests);
      });
    },
    120_000,
  );
});
