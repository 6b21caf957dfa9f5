import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BuildPlan, Digest, Platform } from '@pinlane/contracts';
import { imageArchive, openStore, parseDockerfile, platformOfImage, readBuildContext, readImage, verifyImage, type Descriptor, type Store } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { createDockerEngine, createEmbeddedEngine, type DockerEngineInput, type ProcessRequest, type ProcessResult } from '../../../src/index.ts';

const BOTH: Platform[] = ['linux/amd64', 'linux/arm64'];
const DOCKERFILE = 'FROM scratch\nCOPY a.txt /\n';
const REVISION = 'c'.repeat(40);

const PLAN: BuildPlan = {
  kind: 'BuildPlan',
  schemaVersion: 1,
  slug: 'acme-echo',
  target: null,
  platforms: BOTH,
  buildArgs: {},
  labels: {},
  bases: {},
  fingerprint: `sha256:${'a'.repeat(64)}` as Digest,
  repository: 'store.localhost/acme-echo',
  push: false,
};

/** A stand-in for Docker: what is asked of it, in which order, and what becomes of its answers. What a real one answers is tested with a real one. */
describe('The docker engine, step by step', () => {
  const path = process.env['PATH'];
  let root: string;
  let made: Store;
  let index: Descriptor;
  let calls: string[];
  let notes: string[];
  let answers: Partial<ProcessResult>[];

  beforeEach(async () => {
    root = temporaryFolder('steps');
    mkdirSync(join(root, 'bin'));
    mkdirSync(join(root, 'context'));
    writeFileSync(join(root, 'bin/docker'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(root, 'context/a.txt'), 'hello\n');
    writeFileSync(join(root, 'context/Dockerfile'), DOCKERFILE);
    process.env['PATH'] = join(root, 'bin');
    [calls, notes, answers] = [[], [], []];
    made = openStore(join(root, 'made'));
    const context = await readBuildContext(join(root, 'context'), {});
    const dockerfile = parseDockerfile(DOCKERFILE, 'Dockerfile');
    const embedded = createEmbeddedEngine({ context, dockerfile, bases: new Map(), store: made, noCache: false, revision: async () => null });
    const { image } = await embedded.build(PLAN, { progress: () => {}, signal: new AbortController().signal });
    index = (await made.readManifest(image.index)).descriptor;
  });
  afterEach(() => {
    process.env['PATH'] = path;
  });

  const writeLayout = async (folder: string): Promise<void> => {
    const layout = openStore(folder);
    const { platforms } = await readImage(made, index.digest);
    for (const { manifest, descriptor } of platforms) {
      for (const blob of [manifest.config, ...manifest.layers]) await layout.putBlob(blob, () => made.openBlob(blob));
      await layout.putManifest(descriptor, (await made.readManifest(descriptor.digest)).bytes);
    }
    await layout.putManifest(index, (await made.readManifest(index.digest)).bytes);
    await layout.name('built', index);
  };

  const saveArchive = async (file: string, name: string): Promise<void> => {
    const platform = BOTH.find((each) => name.includes(each.slice('linux/'.length)))!;
    const image = platformOfImage(await readImage(made, index.digest), platform);
    await writeFile(file, imageArchive(made, image, name));
  };

  const run = (containerd: boolean) => async (request: ProcessRequest) => {
    const [first = '', second = '', third = ''] = request.args;
    calls.push(first === 'buildx' ? `${first} ${second}` : first);
    const says = (stdout: string): ProcessResult => ({ exitCode: 0, stdout, stderr: '' });
    if (first === 'info')
      return says(JSON.stringify({ ServerVersion: '27.0', DriverStatus: containerd ? [['driver-type', 'io.containerd.snapshotter.v1']] : [] }));
    if (second === 'version') return says('github.com/docker/buildx v0.13.1 abc');
    if (second === 'inspect')
      return says('Name: default\nDriver: docker\n\nNodes:\nName: default\nStatus: running\nBuildKit version: v0.12\nPlatforms: linux/amd64\n');
    if (first === 'save') await saveArchive(third, request.args[3]!);
    if (second !== 'build') return says('');
    const answer = { ...says(''), ...answers.shift() };
    const folder = request.args.map((arg) => /^--output=type=oci,.*dest=(.*)$/.exec(arg)?.[1]).find(Boolean);
    request.onStderr?.(`#1 building\n${answer.stderr}`);
    if (answer.exitCode === 0 && folder !== undefined) await writeLayout(folder);
    return answer;
  };

  const build = async (containerd: boolean, more: Partial<DockerEngineInput> = {}) => {
    const store = openStore(join(root, 'store'));
    const engine = createDockerEngine({
      runner: { run: run(containerd) },
      context: await readBuildContext(join(root, 'context'), {}),
      file: 'Dockerfile',
      bases: {},
      baseLayers: new Map(),
      options: {},
      noCache: false,
      isolated: false,
      store,
      workFolder: join(root, 'work'),
      root,
      env: {},
      revision: async () => REVISION,
      note: (line) => notes.push(line),
      ...more,
    });
    const built = await engine.build(PLAN, { progress: () => {}, signal: new AbortController().signal });
    return { ...built, store };
  };

  it('takes a layout of all platforms into the store, and names its builder', async () => {
    const { image, layers, store } = await build(true);
    expect(calls.slice(3)).toEqual(['buildx build']);
    expect(layers).toBeNull();
    expect(image).toMatchObject({
      name: 'acme-echo',
      revision: REVISION,
      engine: { version: 'buildx 0.13.1, buildkit v0.12, docker 27.0', builder: { name: 'default', driver: 'docker' }, reproducible: true },
      pushed: false,
    });
    const { platforms } = await verifyImage(store, image.index, { platforms: BOTH, blobs: 'hashed' });
    expect(platforms.map(({ descriptor }) => descriptor.digest)).toEqual([image.platforms.amd64, image.platforms.arm64]);
    expect((await store.resolve('acme-echo')).digest).toBe(image.index);
    expect(readdirSync(join(root, 'work'))).toEqual([]);
  });

  it('gives the same image through archives, one platform after the other, and removes what it loaded', async () => {
    const layout = await build(true);
    calls = [];
    const { image } = await build(false);
    expect(calls.slice(3)).toEqual(['buildx build', 'save', 'image', 'buildx build', 'save', 'image']);
    expect([image.index, image.platforms]).toEqual([layout.image.index, layout.image.platforms]);
    expect(readdirSync(join(root, 'work'))).toEqual([]);
  });

  it('builds once more without a cache that cannot be begun, and says so', async () => {
    answers = [{ exitCode: 1, stderr: 'ERROR: failed to solve: failed to configure gha cache exporter: no token\n' }];
    await build(true, { options: { cacheTo: ['type=gha'] } });
    expect(calls.slice(3)).toEqual(['buildx build', 'buildx build']);
    expect(notes).toEqual(['WARNING the cache will not be exported: failed to configure gha cache exporter: no token']);
  });

  it('throws what the builder said, without secrets, and leaves nothing behind', async () => {
    answers = [{ exitCode: 1, stderr: 'ERROR: failed to solve: the token is canary-7f3a9d51c0\n' }];
    const failed = build(false, { options: { secret: ['id=t,env=TOKEN'] }, env: { TOKEN: 'canary-7f3a9d51c0' } });
    await expect(failed).rejects.toMatchObject({ code: 'ERR_BUILD_FAILED', message: expect.stringContaining('the token is [redacted]') });
    expect(calls.slice(3)).toEqual(['buildx build', 'image']);
    expect(readdirSync(join(root, 'work'))).toEqual([]);
  });

  it('uses no cache if it is isolated, and asks for nothing that the builder cannot do', async () => {
    await build(true, { isolated: true, options: { cacheFrom: ['type=gha'] } });
    expect(notes).toEqual(['this lane builds apart from all others: --cacheFrom and --cacheTo are not used']);
    await expect(build(false, { options: { provenance: 'true' } })).rejects.toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE' });
    await expect(build(false, { options: { annotations: ['a=b'] } })).rejects.toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE' });
  });
});
