import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ARCHITECTURES, parseRepository } from '@pinlane/contracts';
import { openRepository, sha256, tarChunks } from '@pinlane/oci';
import {
  chunksOf,
  drain,
  imageOf,
  layerOf,
  platformImage,
  putImage,
  startRegistry,
  type RegistryOptions,
  type SeenRequest,
  type TestImage,
  type TestRegistry,
} from '@pinlane/testing';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const FILE = 'processors/acme-p/registry.yaml';
const SIZE = 3_000_000;

/** A layer with one large file that nothing compresses, and a folder. */
const largeLayer = async (word: string) => {
  const content = createHash('shake256', { outputLength: SIZE }).update(word).digest();
  const owned = { mode: 0o755, uid: 0, gid: 0 };
  const file = { ...owned, type: 'file', path: 'opt/large', size: SIZE, sha256: sha256(content), open: () => chunksOf(content) } as const;
  return layerOf(await drain(tarChunks([{ ...owned, type: 'directory', path: 'opt' }, file])));
};

/** A workspace of one processor on a base in a registry, which was pinned once; then nothing of that machine is left, and the source changes. */
const onFreshMachine = async (
  { registry: options, dockerfile = 'WORKDIR /app\nCOPY name.txt ./\n' }: { readonly registry?: RegistryOptions; readonly dockerfile?: string },
  work: (given: {
    readonly registry: TestRegistry;
    readonly base: TestImage;
    readonly workspace: TestWorkspace;
    readonly first: readonly SeenRequest[];
    pin(): Promise<Ran>;
  }) => Promise<void>,
): Promise<void> => {
  const registry = await startRegistry({ separate: true, ...options });
  const base = imageOf(await Promise.all(ARCHITECTURES.map(async (architecture) => platformImage(architecture, [await largeLayer(architecture)]))));
  await putImage(openRepository(parseRepository(`${registry.host}/acme/base`), { auth: async () => undefined }), base);
  registry.requests.length = 0;
  const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` };
  try {
    await withWorkspace(async (workspace) => {
      const pin = () => workspace.pinlaneWith(env, 'pin', 'acme-p');
      await workspace.write({
        [FILE]: 'ref: acme/p@1\n',
        'processors/acme-p/Dockerfile': `FROM ${registry.host}/acme/base@${base.index.descriptor.digest}\n${dockerfile}`,
        'processors/acme-p/name.txt': 'one\n',
      });
      await workspace.commit('a processor');
      const first = await pin();
      expect([first.exitCode, first.output]).toEqual([0, expect.stringContaining('pinned')]);
      await workspace.commit('pins');
      await rm(join(workspace.root, '.pinlane'), { recursive: true });
      await workspace.write({ 'processors/acme-p/name.txt': 'two\n' });
      const seen = registry.requests.splice(0);
      await work({ registry, base, workspace, first: seen, pin });
    });
  } finally {
    await registry.close();
  }
};

const isLayer = (base: TestImage, url: string): boolean =>
  base.platforms.some(({ layers }) => layers.some(({ descriptor }) => url.endsWith(descriptor.digest)));
const downloaded = ({ requests, blobs }: TestRegistry): number =>
  requests.filter(({ method }) => method === 'GET').reduce((sum, { url }) => sum + (blobs.get(/\/blobs\/(.*)$/.exec(url)?.[1] ?? '')?.length ?? 0), 0);

describe('On a machine that has nothing, a changed processor on a base in the same registry', () => {
  it.each([
    ['looks at what is in its folders', 'WORKDIR /app\nCOPY name.txt ./\nCOPY name.txt /opt/\n'],
    ['looks at none of its files', 'ENV A=1\nUSER 1000:1000\n'],
  ])(
    'is pinned without a byte of its layers, if it %s',
    async (_, dockerfile) => {
      await onFreshMachine({ dockerfile }, async ({ registry, base, workspace, pin }) => {
        const before = await workspace.read(FILE);
        const { exitCode, output } = await pin();
        expect([exitCode, output]).toEqual([0, expect.any(String)]);
        expect(registry.requests.filter(({ method, url }) => method === 'GET' && isLayer(base, url))).toEqual([]);
        expect(downloaded(registry)).toBeLessThan(20_000);
        if (dockerfile.includes('COPY')) expect(await workspace.read(FILE)).not.toBe(before);
        const verified = await workspace.pinlaneWith({ PINLANE_LANE: 'staging' }, 'verify-pins');
        expect([verified.exitCode, verified.output]).toEqual([0, expect.any(String)]);
      });
    },
    120_000,
  );

  it.each([
    ['mounted', false, 0],
    ['passed on, if the registry mounts nothing', true, 2],
  ])(
    'had its layers %s at the first pin, too',
    async (_, refusesMounts, passed) => {
      await onFreshMachine({ registry: { refusesMounts }, dockerfile: 'ENV A=1\n' }, async ({ base, first, pin }) => {
        expect(first.filter(({ method, url }) => method === 'GET' && isLayer(base, url))).toHaveLength(passed);
        expect(first.filter(({ method, url }) => method === 'PUT' && url.includes('/manifests/pin-'))).toHaveLength(3);
        const { exitCode, output } = await pin();
        expect([exitCode, output]).toEqual([0, expect.any(String)]);
      });
    },
    120_000,
  );

  it('is not pinned if a layer vanished, and the error names it, its image and its repository', async () => {
    await onFreshMachine({}, async ({ registry, base, workspace, pin }) => {
      const before = await workspace.read(FILE);
      const { descriptor } = base.platforms[1]!.layers[0]!;
      registry.blobs.delete(descriptor.digest);
      const { exitCode, output } = await pin();
      expect([exitCode, output]).toEqual([1, expect.stringContaining('ERR_LAYER_GONE')]);
      for (const part of [descriptor.digest, `${registry.host}/acme/base@${base.index.descriptor.digest}`]) expect(output).toContain(part);
      expect(registry.requests.filter(({ method, url }) => method === 'PUT' && url.includes('/manifests/'))).toEqual([]);
      expect(await workspace.read(FILE)).toBe(before);
    });
  }, 120_000);
});
