import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { builtImageSchema, type BuildPlan, type Digest } from '@pinlane/contracts';
import { openStore, parseDockerfile, readBuildContext, verifyImage, type Store } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { createEmbeddedEngine, type EmbeddedEngineInput } from '../../src/index.ts';

const FINGERPRINT = `sha256:${'a'.repeat(64)}` as Digest;
const REVISION = 'c'.repeat(40);

const PLAN: BuildPlan = {
  kind: 'BuildPlan',
  schemaVersion: 1,
  slug: 'acme-echo',
  target: null,
  platforms: ['linux/amd64', 'linux/arm64'],
  buildArgs: {},
  labels: { 'dev.pinlane.ref': 'acme/echo@1' },
  bases: {},
  fingerprint: FINGERPRINT,
  repository: 'store.localhost/acme-echo',
  push: false,
};

describe('The embedded engine', () => {
  let root: string;
  let store: Store;
  beforeEach(() => {
    root = temporaryFolder('embedded');
    store = openStore(join(root, 'store'));
  });

  const build = async (dockerfile: string, more: Partial<EmbeddedEngineInput> = {}, plan: Partial<BuildPlan> = {}) => {
    const folder = join(root, 'context');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await writeFile(join(folder, 'a.txt'), 'hello\n');
    await writeFile(join(folder, 'Dockerfile'), dockerfile);
    const context = await readBuildContext(folder, {});
    const engine = createEmbeddedEngine({
      context,
      dockerfile: parseDockerfile(context.dockerfile.text, 'Dockerfile'),
      bases: new Map(),
      store,
      noCache: false,
      revision: async () => REVISION,
      ...more,
    });
    return engine.build({ ...PLAN, ...plan }, { progress: () => {}, signal: new AbortController().signal });
  };

  it('can always be used', async () => {
    const engine = createEmbeddedEngine({} as EmbeddedEngineInput);
    expect(await engine.availability()).toMatchObject({ available: true });
  });

  it('builds every platform into the store, names the image there, and tells what it made', async () => {
    const { image, layers } = await build('FROM scratch\nCOPY a.txt /\n');
    expect(builtImageSchema.parse(image)).toEqual(image);
    expect(image).toMatchObject({
      name: 'acme-echo',
      repository: 'store.localhost/acme-echo',
      fingerprint: FINGERPRINT,
      revision: REVISION,
      engine: { name: 'embedded' },
      pushed: false,
    });
    const { platforms } = await verifyImage(store, image.index, { platforms: PLAN.platforms, blobs: 'hashed' });
    expect(platforms.map(({ descriptor }) => descriptor.digest)).toEqual([image.platforms.amd64, image.platforms.arm64]);
    expect(platforms[0]?.config.config?.Labels?.['dev.pinlane.ref']).toBe('acme/echo@1');
    expect((await store.resolve('acme-echo')).digest).toBe(image.index);
    // Both platforms have the same layer.
    expect(layers).toEqual({ built: 1, reused: 0 });
  });

  it('takes layers that are there, unless it is told not to', async () => {
    const dockerfile = 'FROM scratch\nCOPY a.txt /\n';
    const first = await build(dockerfile);
    const again = await build(dockerfile);
    const anew = await build(dockerfile, { noCache: true });
    expect([again.layers, anew.layers]).toEqual([
      { built: 0, reused: 1 },
      { built: 1, reused: 0 },
    ]);
    expect([again.image.index, anew.image.index]).toEqual([first.image.index, first.image.index]);
  });

  it('builds on the images that it is given, and on no other', async () => {
    const base = await build('FROM scratch\nCOPY a.txt /from-base\n');
    const bases = new Map([['store.localhost/base', { source: store, digest: base.image.index }]]);
    const { image } = await build('FROM store.localhost/base\nCOPY a.txt /b\n', { bases });
    const { platforms } = await verifyImage(store, image.index, { platforms: PLAN.platforms, blobs: 'present' });
    expect(platforms.map(({ manifest }) => manifest.layers.length)).toEqual([2, 2]);
    await expect(build('FROM store.localhost/other\n', { bases })).rejects.toMatchObject({ code: 'ERR_INTERNAL' });
  });
});
