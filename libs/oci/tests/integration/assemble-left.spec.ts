import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatRepository, isPinlaneError, type Digest } from '@pinlane/contracts';
import { codeOf, errorOf, startRegistry, temporaryFolder, type Fault, type TestRegistry } from '@pinlane/testing';
import { assembleImage, copyImage, openStore, parseDockerfile, readBuildContext, verifyImage, type ContentSource, type Store } from '../../src/index.ts';
import { putBase, writeFiles, type TarItem } from '../support/building.ts';
import { blobRequests, opened, reachingStore, repositoryIn } from '../support/left-base.ts';

let folder: string;
let registry: TestRegistry;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = temporaryFolder('oci');
  registry = await startRegistry({ separate: true });
  closing.push(registry.close);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const SYSTEM: readonly TarItem[] = [
  { name: 'etc', type: 'directory', mode: 0o755 },
  { name: 'etc/passwd', content: 'root:x:0:0::/:\napp:x:1000:1001::/:\n' },
  { name: 'usr/share', type: 'directory', mode: 0o755 },
  { name: 'var/app', type: 'directory', mode: 0o700, uid: 7, gid: 7 },
  { name: 'srv', type: 'symlink', linkname: 'var/app' },
];
const TOOLS: readonly TarItem[] = [{ name: 'opt/tool', content: 'a tool' }];

/** A base of two layers in the registry, which is forgotten here. */
const baseInRegistry = async (): Promise<{ readonly digest: Digest; readonly from: Store; readonly source: ContentSource }> => {
  const from = openStore(join(folder, 'elsewhere'));
  const digest = await putBase(from, [SYSTEM, TOOLS], { Env: ['A=1'] }, ['amd64', 'arm64']);
  const repository = opened(repositoryIn(registry, 'team/base'), { idleMs: 300, retry: { attempts: 2 } });
  await copyImage(from, repository, digest);
  registry.requests.length = 0;
  return { digest, from, source: repository };
};

const buildOn = async (dockerfile: string, store: Store, source: ContentSource, digest: Digest) => {
  const context = join(folder, 'context');
  await writeFiles(context, { Dockerfile: dockerfile, a: 'a', 'sub/b': 'b' });
  const read = await readBuildContext(context);
  return assembleImage({
    context: read,
    dockerfile: parseDockerfile(read.dockerfile.text, 'Dockerfile'),
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArgs: {},
    labels: {},
    resolveBase: async () => ({ source, digest }),
    store,
    progress: () => undefined,
    signal: new AbortController().signal,
  });
};

const NOTHING_READ = [
  ['variables and commands', 'FROM base\nENV A=2\nLABEL l=1\nENTRYPOINT ["a"]\nEXPOSE 80\nHEALTHCHECK NONE\nARG x=1\nVOLUME /v'],
  ['USER by number', 'FROM base\nUSER 1000:1000'],
  ['USER by name, which only whoever runs it looks up', 'FROM base\nUSER app'],
  ['WORKDIR /', 'FROM base\nWORKDIR /\nCMD ["a"]'],
  ['a stage of its own that nothing is taken from the base for', 'FROM base AS one\nENV B=1\nFROM one\nENV C=1'],
] as const;
const READ = [
  ['COPY', 'FROM base\nCOPY a /x/a'],
  ['COPY through a link of the base', 'FROM base\nCOPY a /srv/'],
  ['COPY --chown by name', 'FROM base\nCOPY --chown=app a /x/a'],
  ['WORKDIR', 'FROM base\nWORKDIR /app/sub'],
  ['WORKDIR through a link of the base', 'FROM base\nWORKDIR /srv/more\nCOPY . .'],
  ['USER by name and WORKDIR', 'FROM base\nUSER app\nWORKDIR /home/app'],
  ['COPY --from', 'FROM scratch\nCOPY --from=base /opt/tool /tool'],
  ['a stage that is copied from', 'FROM base AS one\nCOPY a /one\nFROM base\nCOPY --from=one /one /opt/tool /two/'],
] as const;

describe('An image on a base in a registry', () => {
  it.each(NOTHING_READ)('leaves all its layers there with %s', async (_, dockerfile) => {
    const { digest, from, source } = await baseInRegistry();
    const { store } = reachingStore(folder);
    const { index } = await buildOn(dockerfile, store, source, digest);
    const manifests = await verifyImage(store, index.digest);
    const layers = manifests.platforms.flatMap(({ manifest }) => manifest.layers.map((layer) => layer.digest));
    expect(layers.filter((layer) => blobRequests(registry, 'GET').includes(layer))).toEqual([]);
    expect(await store.missing(index.digest)).toEqual([]);
    expect((await buildOn(dockerfile, openStore(join(folder, 'other')), from, digest)).index).toEqual(index);
  });

  it.each(READ)('is the same as on one that is here with %s, and fetches each layer once', async (_, dockerfile) => {
    const { digest, from, source } = await baseInRegistry();
    const { store } = reachingStore(folder);
    const { index } = await buildOn(dockerfile, store, source, digest);
    const fetched = blobRequests(registry, 'GET');
    expect(new Set(fetched).size).toBe(fetched.length);
    await verifyImage(store, index.digest, { blobs: 'hashed' });
    expect((await buildOn(dockerfile, openStore(join(folder, 'other')), from, digest)).index).toEqual(index);
    registry.requests.length = 0;
    expect((await buildOn(dockerfile, store, source, digest)).index).toEqual(index);
    expect(registry.requests).toEqual([]);
  });

  it('is built in a store that reaches no registry, too: the base itself is at hand', async () => {
    const { digest, source } = await baseInRegistry();
    const store = openStore(join(folder, 'plain'));
    const { index } = await buildOn('FROM base\nCOPY a /srv/\nCOPY --from=base /opt/tool /tool', store, source, digest);
    await verifyImage(store, index.digest, { blobs: 'hashed' });
  });

  it.each<[string, Fault, string]>([
    ['is gone', { kind: 'answer', status: 404 }, 'ERR_LAYER_GONE'],
    ['is another', { kind: 'answer', status: 200, body: 'another' }, 'ERR_DIGEST_MISMATCH'],
    ['is in a registry that is down', { kind: 'answer', status: 503 }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['is in a registry that hangs', { kind: 'hang' }, 'ERR_REGISTRY_UNAVAILABLE'],
  ])('is not built where a layer that has to be read %s, which is the fault of no line', async (_, fault, code) => {
    const { digest, from, source } = await baseInRegistry();
    const { platforms } = await verifyImage(from, digest);
    const [lost] = platforms[0]!.manifest.layers;
    registry.faults.push({ when: ({ url }) => url.endsWith(lost!.digest), fault });
    const error = await errorOf(() => buildOn('FROM base\nENV A=1\nCOPY a /x/\nWORKDIR /y', openStore(join(folder, 'plain')), source, digest));
    if (!isPinlaneError(error)) throw error;
    expect(error.problems).toHaveLength(1);
    expect(error.problems[0]).toMatchObject({ code });
    expect(error.problems[0]!.line).toBeUndefined();
    for (const part of [lost!.digest, formatRepository(repositoryIn(registry, 'team/base')), digest]) expect(error.message).toContain(part);
  });

  it('is not built on a base whose manifest or config are others', async () => {
    const { digest, from, source } = await baseInRegistry();
    const { manifest } = (await verifyImage(from, digest)).platforms[0]!;
    registry.faults.push({ when: ({ url }) => url.endsWith(manifest.config.digest), fault: { kind: 'answer', status: 200, body: '{}' } });
    expect(await codeOf(() => buildOn('FROM base\nENV A=1', openStore(join(folder, 'plain')), source, digest))).toBe('ERR_DIGEST_MISMATCH');
  });
});
