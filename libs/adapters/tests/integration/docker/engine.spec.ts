import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parseRepository, type BuildPlan, type BuiltImage, type Digest, type Platform } from '@pinlane/contracts';
import {
  openRepository,
  openStore,
  pushImage,
  readBaseLayers,
  readBuildContext,
  readImage,
  verifyImage,
  type Descriptor,
  type PlatformImage,
  type Store,
} from '@pinlane/oci';
import type { DockerBuildOptions } from '@pinlane/pipeline';
import { codeOf, drain, errorOf, lackOf, problemsOf, processesWith, requirement, startRegistry, temporaryFolder } from '@pinlane/testing';
import { startActionsCache } from '../../support/actions-cache.ts';
import {
  createDockerEngine,
  createProcessRunner,
  findBuilder,
  findProgram,
  isBuilder,
  type DockerEngineInput,
  type ProcessRequest,
} from '../../../src/index.ts';

// A real daemon on a machine that may be busy.
jest.setTimeout(180_000);

const BOTH: Platform[] = ['linux/amd64', 'linux/arm64'];
const OWN: Platform[] = [process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'];
const BUSYBOX = '/bin/busybox';
const runnable = existsSync(BUSYBOX) ? null : `there is no ${BUSYBOX}`;
const CANARY = 'canary-7f3a9d51c0';
const INTO = `FROM scratch AS base\nCOPY busybox /bin/busybox\nSHELL ["/bin/busybox", "sh", "-c"]\n`;

interface Wishes {
  readonly platforms?: Platform[];
  readonly options?: DockerBuildOptions;
  readonly site?: Partial<DockerEngineInput>;
  readonly signal?: AbortSignal;
  readonly plan?: Partial<BuildPlan>;
}

/** The times of the entries of a tar without content that could be taken for a header. */
const tarTimes = (tar: Buffer): number[] => {
  const times: number[] = [];
  for (let at = 0; at < tar.length; at += 512)
    if (tar.toString('latin1', at + 257, at + 262) === 'ustar') times.push(Number.parseInt(tar.toString('latin1', at + 136, at + 147), 8));
  return times;
};

const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('latin1');

requirement(
  'buildx',
  lackOf('buildx'),
  describe,
)('the docker engine, on a real builder', () => {
  let root = '';
  let folder = '';
  let store: Store;
  let requests: ProcessRequest[] = [];
  let seen: string[] = [];
  let notes: string[] = [];

  beforeEach(() => {
    root = temporaryFolder('docker');
    folder = join(root, 'context');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.txt'), 'hello\n');
    store = openStore(join(root, 'store'));
    [requests, seen, notes] = [[], [], []];
  });

  const build = async (dockerfile: string, { platforms = BOTH, options = {}, site = {}, signal, plan = {} }: Wishes = {}): Promise<BuiltImage> => {
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    const projection = { overrides: { 'registry.yaml': new TextEncoder().encode('{"ref":"acme/echo@1"}\n') } };
    const runner = createProcessRunner();
    const engine = createDockerEngine({
      runner: { run: (request) => (requests.push(request), runner.run(request)) },
      context: await readBuildContext(folder, projection),
      file: 'processors/acme-echo/Dockerfile',
      bases: {},
      baseLayers: new Map(),
      options,
      noCache: false,
      isolated: false,
      store,
      workFolder: join(root, 'work'),
      root,
      env: {},
      revision: async () => null,
      note: (line) => notes.push(line),
      ...site,
    });
    const complete: BuildPlan = {
      kind: 'BuildPlan',
      schemaVersion: 1,
      slug: 'acme-echo',
      target: null,
      platforms,
      buildArgs: {},
      labels: { 'dev.pinlane.ref': 'acme/echo@1' },
      bases: {},
      fingerprint: `sha256:${'a'.repeat(64)}` as Digest,
      repository: 'store.localhost/acme-echo',
      push: false,
      ...plan,
    };
    const { image } = await engine.build(complete, { progress: (line) => seen.push(line), signal: signal ?? new AbortController().signal });
    return image;
  };

  /** Everything in the layers of an image, unpacked no further than from gzip. */
  const layers = async (image: BuiltImage): Promise<string> => {
    const { gunzipSync } = await import('node:zlib');
    const { platforms } = await readImage(store, image.index);
    const parts: string[] = [];
    for (const { manifest } of platforms)
      for (const layer of manifest.layers) {
        parts.push(gunzipSync(await drain(store.openBlob(layer))).toString('latin1'));
      }
    return parts.join('\n');
  };

  it('builds both platforms into the store, whole, with OCI media types, its builder named and nothing left behind', async () => {
    const image = await build('FROM scratch\nWORKDIR /app\nCOPY a.txt ./\nUSER 1000:1000\nENTRYPOINT ["/app/a.txt"]\n');
    const view = await verifyImage(store, image.index, { platforms: BOTH, blobs: 'hashed' });
    expect(view.platforms.map(({ platform, descriptor }) => [platform, descriptor.digest])).toEqual([
      ['linux/amd64', image.platforms.amd64],
      ['linux/arm64', image.platforms.arm64],
    ]);
    expect(view.attestations).toEqual([]);
    const [{ manifest, config }] = view.platforms as [(typeof view.platforms)[0]];
    expect(
      [view.descriptor.mediaType, manifest.mediaType, manifest.config.mediaType, ...manifest.layers.map(({ mediaType }) => mediaType)].join(),
    ).not.toContain('docker');
    expect(config.config?.Labels?.['dev.pinlane.ref']).toBe('acme/echo@1');
    expect(image.engine).toMatchObject({
      name: 'docker',
      version: expect.stringContaining('buildx '),
      builder: { driver: expect.any(String) },
      reproducible: true,
    });
    expect((await store.resolve('acme-echo')).digest).toBe(image.index);
    expect(readdirSync(join(root, 'work'))).toEqual([]);
  });

  it('gives the same digests when files were merely touched, and without a cache', async () => {
    const dockerfile = 'FROM scratch\nWORKDIR /made\nCOPY . /app/\n';
    const first = await build(dockerfile);
    utimesSync(join(folder, 'a.txt'), 1e9, 1e9);
    const again = await build(dockerfile, { site: { noCache: true } });
    expect([again.index, again.platforms]).toEqual([first.index, first.platforms]);
  });

  it('notices a change of content that neither size nor time shows', async () => {
    const first = await build('FROM scratch\nCOPY a.txt /\n');
    writeFileSync(join(folder, 'a.txt'), 'HELLO\n');
    expect((await build('FROM scratch\nCOPY a.txt /\n')).index).not.toBe(first.index);
  });

  it('shows COPY what the fingerprint covers: no pins, nothing ignored, links as they are', async () => {
    writeFileSync(join(folder, 'registry.yaml'), 'image: THE-PINS\n');
    writeFileSync(join(folder, 'hidden.txt'), 'IGNORED');
    writeFileSync(join(folder, '.dockerignore'), 'hidden.txt\nDockerfile\n');
    symlinkSync('a.txt', join(folder, 'link'));
    const content = await layers(await build('FROM scratch\nCOPY . /app/\n', { platforms: OWN }));
    expect(content).toContain('{"ref":"acme/echo@1"}');
    expect(content).toContain('app/link');
    expect(content).not.toMatch(/THE-PINS|IGNORED|app\/Dockerfile/);
  });

  it('builds on an image of a store, by digest, and keeps its layers as they are', async () => {
    const base = await build('FROM scratch\nCOPY a.txt /from-base\n');
    const image = await build('FROM store.localhost/base\nCOPY a.txt /b\n', {
      site: {
        bases: { 'store.localhost/base': `oci-layout://${store.root}@${base.index}` },
        baseLayers: await readBaseLayers([{ source: store, digest: base.index }]),
      },
    });
    const [under, over] = await Promise.all([base.index, image.index].map(async (index) => (await readImage(store, index)).platforms));
    expect(over!.map(({ manifest }) => manifest.layers.length)).toEqual([2, 2]);
    expect(over!.map(({ manifest }) => manifest.layers[0])).toEqual(under!.map(({ manifest }) => manifest.layers[0]));
    await verifyImage(store, image.index, { platforms: BOTH, blobs: 'hashed' });
    expect(await layers(image)).toContain('from-base');
  });

  it('has no time after the one that a build argument names', async () => {
    const image = await build('FROM scratch\nWORKDIR /made\nCOPY a.txt ./\n', { platforms: OWN, plan: { buildArgs: { SOURCE_DATE_EPOCH: '1000' } } });
    const [{ config, manifest }] = (await verifyImage(store, image.index, { blobs: 'hashed' })).platforms as [PlatformImage];
    expect(new Set([config.created, ...config.history!.map(({ created }) => created)])).toEqual(new Set(['1970-01-01T00:16:40Z']));
    const tars = await Promise.all(manifest.layers.map(async ({ digest }) => gunzipSync(await store.readBlob(digest, 1e6))));
    const times = tars.flatMap((tar) => tarTimes(tar));
    expect([times.length > 0, Math.max(...times)]).toEqual([true, 1000]);
  });

  it('keeps attestations where they are asked for, and pins the very platforms that it builds without', async () => {
    const plain = await build('FROM scratch\nCOPY a.txt /\n');
    const attested = await build('FROM scratch\nCOPY a.txt /\n', { options: { provenance: 'mode=max' } });
    expect(attested.engine?.reproducible).toBe(false);
    const view = await readImage(store, attested.index);
    expect(view.attestations).toHaveLength(2);
    expect([attested.platforms, attested.index === plain.index]).toEqual([plain.platforms, false]);
    expect(await store.missing(attested.index)).toEqual([]);
    expect(view.attestations.map(({ annotations }) => annotations!['vnd.docker.reference.digest'])).toEqual(Object.values(plain.platforms));
  });

  it('names the line of the Dockerfile and what the builder said where it fails', async () => {
    expect(await problemsOf(() => build('FROM scratch\nCOPY a.txt /\nCOPY nothing.txt /\n'))).toMatchObject([
      { code: 'ERR_BUILD_FAILED', file: 'processors/acme-echo/Dockerfile', line: 3, message: expect.stringContaining('"/nothing.txt": not found') },
    ]);
    expect([existsSync(join(root, 'store/index.json')), readdirSync(join(root, 'work'))]).toEqual([false, []]);
  });

  it('does not fail a good build for a cache that can not be written, and says so', async () => {
    const image = await build('FROM scratch\nCOPY a.txt /\n', { options: { cacheTo: ['type=registry', 'ref=127.0.0.1:9/none/cache'] } });
    expect(await store.missing(image.index)).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/^WARNING the image is built, and the cache was not exported: /)]);
  });

  it('does not fail a good build for a cache that makes no sense to the builder, and says so', async () => {
    const image = await build('FROM scratch\nCOPY a.txt /\n', { platforms: OWN, options: { cacheTo: ['type=registry,ref=Not::A::Ref'] } });
    expect(await store.missing(image.index)).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/^WARNING the cache will not be exported: failed to configure registry cache exporter: /)]);
  });

  it('does not fail a good build for a folder that can be none, and says so', async () => {
    writeFileSync(join(root, 'a-file'), '');
    const image = await build('FROM scratch\nCOPY a.txt /\n', { options: { cacheTo: ['type=local,dest=a-file'] } });
    expect(await store.missing(image.index)).toEqual([]);
    expect(notes).toEqual(['WARNING the cache will not be exported: a-file: EEXIST']);
  });

  it('reads and writes a local cache, and neither where a lane builds apart', async () => {
    const options = { cacheTo: ['type=local,dest=cache'], cacheFrom: ['type=local,src=cache'] };
    await build('FROM scratch\nCOPY a.txt /\n', { options, site: { isolated: true } });
    expect(existsSync(join(root, 'cache'))).toBe(false);
    await build('FROM scratch\nCOPY a.txt /\n', { options: { cacheTo: options.cacheTo } });
    expect(existsSync(join(root, 'cache/index.json'))).toBe(true);
  });

  it('writes a cache to GitHub’s service and asks it for one, with the token of the job, which is nowhere else', async () => {
    const cache = await startActionsCache();
    const env = { ACTIONS_CACHE_URL: `${cache.url}/`, ACTIONS_RUNTIME_TOKEN: cache.token };
    const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
    Object.assign(process.env, env);
    try {
      const gha = { cacheFrom: ['type=gha,scope=one'], cacheTo: ['type=gha,scope=one,mode=max'] };
      const image = await build('FROM scratch\nCOPY a.txt /\n', { platforms: OWN, options: gha, site: { noCache: true } });
      await build('FROM scratch\nCOPY a.txt /\n', { platforms: OWN, options: gha });
      expect(notes).toEqual([]);
      expect(cache.saved().length).toBeGreaterThan(1);
      expect(cache.found()).toBeGreaterThan(0);
      const places = [JSON.stringify(image), seen.join('\n'), JSON.stringify(requests.map(({ command, args }) => [command, args])), await layers(image)];
      expect(places.filter((place) => place.includes(cache.token))).toEqual([]);
    } finally {
      for (const [name, value] of Object.entries(before))
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      await cache.close();
    }
  });

  it('builds one platform after the other where Docker can hold no more, arm64 first, and composes the index', async () => {
    const real = createProcessRunner();
    const calls: string[][] = [];
    const older: DockerEngineInput['runner'] = {
      run: async (request) => {
        calls.push([...request.args]);
        const result = await real.run(request);
        return request.args[0] === 'info' ? { ...result, stdout: JSON.stringify({ ...JSON.parse(result.stdout), DriverStatus: [] }) } : result;
      },
    };
    const image = await build('FROM scratch\nCOPY a.txt /\nLABEL a=b\n', { site: { runner: older }, options: { builder: 'default', cacheTo: ['type=gha'] } });
    const built = calls.filter(([, verb]) => verb === 'build').map((args) => args.find((arg) => arg.startsWith('--platform=')));
    expect(built).toEqual(['--platform=linux/arm64', '--platform=linux/amd64']);
    const view = await verifyImage(store, image.index, { platforms: BOTH, blobs: 'hashed' });
    expect(view.platforms.map(({ descriptor }) => descriptor.digest)).toEqual([image.platforms.amd64, image.platforms.arm64]);
    expect((await layers(image)).includes('hello')).toBe(true);
    // In one call or in two, the same image.
    expect((await build('FROM scratch\nCOPY a.txt /\nLABEL a=b\n')).platforms).toEqual(image.platforms);
    expect([image.engine?.reproducible, notes]).toEqual([true, [expect.stringContaining('--cacheTo has no effect')]]);
    const names = calls.filter(([verb]) => verb === 'save').map((args) => args.at(-1)!);
    const left = await real.run({ command: 'docker', args: ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'] });
    expect([names.length, names.filter((name) => left.stdout.includes(name)), readdirSync(join(root, 'work'))]).toEqual([2, [], []]);
    await expect(build('FROM scratch\nCOPY a.txt /\n', { site: { runner: older }, options: { builder: 'default', sbom: 'true' } })).rejects.toThrow(
      "can't attest",
    );
  });

  it('says why no builder can be used, and what to do', async () => {
    const down = { env: { DOCKER_HOST: 'tcp://127.0.0.1:9' } };
    await expect(build('FROM scratch\nCOPY a.txt /\n', { site: down, options: { builder: 'default' } })).rejects.toThrow(
      /ERR_ENGINE_UNAVAILABLE: no Docker daemon answers: .*\nfix: Start Docker/,
    );
    await expect(build('FROM scratch\nCOPY a.txt /\n', { options: { builder: 'no-such-builder' } })).rejects.toThrow(
      /ERR_ENGINE_UNAVAILABLE: the builder no-such-builder .*\nfix: .*--builder/,
    );
  });

  requirement(
    'dockerd',
    findProgram('dockerd') === null || findProgram('ip') === null
      ? 'dockerd or ip is not installed'
      : process.getuid?.() === 0
        ? null
        : 'only root starts another daemon',
    describe,
  )('on a Docker that keeps no images in containerd', () => {
    let daemon: ReturnType<typeof spawn>;
    const bridge = `pinlane${randomBytes(3).toString('hex')}`;
    let home = '';
    let env: Record<string, string | undefined> = {};

    beforeAll(async () => {
      home = temporaryFolder('dockerd');
      writeFileSync(join(home, 'daemon.json'), '{}');
      // With none it would remove docker0, which is another daemon's.
      execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge']);
      env = { DOCKER_HOST: `unix://${home}/socket`, BUILDX_CONFIG: join(home, 'buildx'), BUILDX_BUILDER: undefined };
      const own = ['--data-root', '--exec-root', '--pidfile'].flatMap((flag) => [flag, join(home, flag.slice(2))]);
      const apart = ['--config-file', join(home, 'daemon.json'), '--host', `unix://${home}/socket`, '--storage-driver', 'vfs', '--bridge', bridge];
      // In a mount namespace of its own, so that nothing it mounts outlives it.
      daemon = spawn('unshare', ['--mount', '--', 'dockerd', ...own, ...apart, '--iptables=false', '--ip6tables=false'], { stdio: 'ignore' });
      const answers = async () => isBuilder(await findBuilder(createProcessRunner(), 'default', { env }));
      while (daemon.exitCode === null && !(await answers())) await sleep(200);
    });
    afterAll(async () => {
      if (daemon.exitCode === null && daemon.kill('SIGTERM')) await once(daemon, 'exit');
      execFileSync('ip', ['link', 'delete', bridge]);
    });

    it('builds one platform after the other, on images of the store too, and leaves nothing in it', async () => {
      const base = await build('FROM scratch\nCOPY a.txt /base.txt\n');
      const name = 'store.localhost/acme-base';
      const bases = { [name]: `oci-layout://store@${base.index}` };
      const pinned = { digest: base.index, source: store };
      const site = { env, bases, baseLayers: await readBaseLayers([pinned]) };
      // What compiles stands on the machine's own platform, which is another than one of those that are built.
      const dockerfile = `FROM --platform=$BUILDPLATFORM ${name} AS tools\nFROM ${name}\nCOPY --from=tools /base.txt /copied.txt\n`;
      const image = await build(dockerfile, { options: { builder: 'default' }, site });
      const view = await verifyImage(store, image.index, { platforms: BOTH, blobs: 'hashed' });
      expect(view.platforms.map(({ platform }) => platform)).toEqual(BOTH);
      const below = await readImage(store, base.index);
      expect(view.platforms.map(({ manifest }) => manifest.layers[0])).toEqual(below.platforms.map(({ manifest }) => manifest.layers[0]));
      expect((await build(dockerfile, { options: { builder: 'default' }, site: { ...site, noCache: true } })).index).toBe(image.index);
      const { stdout } = await createProcessRunner().run({ command: 'docker', args: ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'], env });
      expect(stdout).not.toContain('pinlane');
    });

    it('refuses what it would leave out', async () => {
      for (const options of [{ annotations: ['index:a=b'] }, { sbom: 'true' }])
        await expect(build('FROM scratch\nCOPY a.txt /\n', { options: { builder: 'default', ...options }, site: { env } })).rejects.toThrow(
          /ERR_ENGINE_UNAVAILABLE: the builder default can't (?:annotate|attest): its Docker keeps no images in containerd/,
        );
    });
  });

  requirement(
    'busybox',
    runnable,
    describe,
  )('with programs that run', () => {
    beforeEach(() => copyFileSync(BUSYBOX, join(folder, 'busybox')));

    it('carries out RUN and fixes the times of what it wrote', async () => {
      const dockerfile = `${INTO}RUN /bin/busybox echo made > /made.txt\n`;
      const image = await build(dockerfile, { platforms: OWN });
      expect((await layers(image)).includes('made.txt')).toBe(true);
      const again = await build(dockerfile, { platforms: OWN, site: { noCache: true } });
      expect(again.index).toBe(image.index);
    });

    it('builds the stage that is asked for, with the arguments of the plan', async () => {
      const dockerfile = `${INTO}FROM base AS one\nARG WORD\nRUN /bin/busybox echo $WORD > /one.txt\nFROM base AS two\nCOPY a.txt /two.txt\n`;
      const content = await layers(await build(dockerfile, { platforms: OWN, plan: { target: 'one', buildArgs: { WORD: 'said-so' } } }));
      expect([content.includes('said-so'), content.includes('two.txt')]).toEqual([true, false]);
    });

    it.each([
      ['a variable', 'id=npm,env=PINLANE_TEST_SECRET'],
      ['a file', 'id=npm,src=secret.txt'],
    ])('mounts a secret from %s, which is nowhere to be found afterwards', async (_, secret) => {
      writeFileSync(join(root, 'secret.txt'), `${CANARY}\n`);
      const lines: string[] = [];
      const image = await build(
        `${INTO}RUN --mount=type=secret,id=npm /bin/busybox cat /run/secrets/npm && /bin/busybox wc -c /run/secrets/npm > /length.txt\n`,
        { platforms: OWN, options: { secret: [secret] }, site: { noCache: true, env: { PINLANE_TEST_SECRET: CANARY }, note: (line) => lines.push(line) } },
      );
      expect(new RegExp(`(?:${CANARY.length}|${CANARY.length + 1}) /run/secrets/npm`).test(await layers(image))).toBe(true);
      expect(seen.join('\n')).toContain('[redacted]');
      const everywhere = [
        JSON.stringify(image),
        seen.join('\n'),
        lines.join('\n'),
        JSON.stringify(requests.map(({ command, args }) => [command, args])),
        await layers(image),
      ];
      expect(everywhere.map((place) => place.includes(CANARY))).toEqual([false, false, false, false, false]);
      const blobs = join(store.root, 'blobs/sha256');
      expect(readdirSync(blobs).filter((name) => text([readFileSync(join(blobs, name))]).includes(CANARY))).toEqual([]);
    });

    it.each<[string, DockerBuildOptions, string, RegExp]>([
      ['a host name', { addHosts: ['db.example:10.1.2.3'] }, 'cat /etc/hosts', /^10\.1\.2\.3\s+db\.example$/m],
      ['shared memory', { shmSize: '32m' }, 'cat /proc/mounts', / \/dev\/shm .*size=32768k/],
      ['limits', { ulimit: ['nofile=777:777'] }, 'sh -c "ulimit -n"', /^777$/m],
      ['no network', { network: 'none' }, 'sh -c "/bin/busybox grep -c : /proc/net/dev"', /^1$/m],
    ])('gives commands %s', async (_, options, command, shows) => {
      await build(`${INTO}RUN /bin/busybox ${command}\n`, { platforms: OWN, options, site: { noCache: true } });
      expect(seen.map((line) => line.replace(/^[\d.]+ /, '')).join('\n')).toMatch(shows);
    });

    it('gives commands the machine’s network only where that is allowed', async () => {
      const dockerfile = `${INTO}RUN --network=host /bin/busybox cat /proc/net/dev\n`;
      await expect(build(dockerfile, { platforms: OWN, site: { noCache: true } })).rejects.toThrow(/ERR_BUILD_FAILED.*network\.host/s);
      await build(dockerfile, { platforms: OWN, options: { allow: ['network.host'] }, site: { noCache: true } });
      const interfaces = [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^ *([^\s:]+):/gm)].map(([, name]) => `${name}:`);
      expect(interfaces.filter((name) => !seen.join('\n').includes(name))).toEqual([]);
    });

    it('attaches what a scanner of one’s own found, and pins the very platforms that it builds without', async () => {
      const statement = '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"name":"found-by-our-scanner"}}';
      writeFileSync(join(folder, 'scan.sh'), `/bin/busybox echo '${statement}' > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"\n`);
      const scanner = await build(`${INTO}COPY scan.sh /\nENTRYPOINT ["/bin/busybox", "sh", "/scan.sh"]\n`, { platforms: OWN });
      const registry = await startRegistry();
      try {
        await pushImage(store, openRepository(parseRepository(`${registry.host}/scanner`)), scanner.index as Digest, { tags: ['1'] });
        const dockerfile = 'FROM scratch\nCOPY a.txt /\n';
        const image = await build(dockerfile, { platforms: OWN, options: { sbom: `generator=${registry.host}/scanner:1` } });
        const { manifests } = JSON.parse(Buffer.from((await store.readManifest(image.index as Digest)).bytes).toString()) as { manifests: Descriptor[] };
        const [platform, attestation] = manifests as [Descriptor, Descriptor];
        expect(attestation.annotations).toMatchObject({ 'vnd.docker.reference.digest': platform.digest });
        const { layers: statements } = JSON.parse(Buffer.from((await store.readManifest(attestation.digest)).bytes).toString()) as { layers: Descriptor[] };
        const texts = await Promise.all(statements.map(async ({ digest }) => Buffer.from(await store.readBlob(digest, 100_000)).toString()));
        expect(texts.join('\n')).toContain('found-by-our-scanner');
        expect((await build(dockerfile, { platforms: OWN })).platforms).toEqual(image.platforms);
      } finally {
        await registry.close();
      }
    });

    it('leaves nothing in the builder that a lane which does not build apart would use', async () => {
      const token = randomBytes(8).toString('hex');
      const mount = `--mount=type=cache,id=${token},target=/cache`;
      const dockerfile = `${INTO}RUN ${mount} /bin/busybox ls /cache; /bin/busybox touch /cache/left-behind; /bin/busybox cat /proc/sys/kernel/random/uuid > /made\n`;
      const apart = { platforms: OWN, site: { isolated: true, noCache: true } };
      const [first, second] = [await build(dockerfile, apart), await build(dockerfile, { platforms: OWN })];
      expect(second.index).not.toBe(first.index);
      expect(seen.filter((line) => /^[\d.]+ left-behind/.test(line))).toEqual([]);
      // Whoever shares the cache has the step from there; whoever builds apart has it not, and what is made the same is the same.
      await build(dockerfile, apart);
      expect((await build(dockerfile, { platforms: OWN })).index).toBe(second.index);
      const same = `${INTO}RUN /bin/busybox echo ${token} > /made\n`;
      expect((await build(same, apart)).index).toBe((await build(same, { platforms: OWN })).index);
    });

    it('lets commands use an agent of SSH, and nothing of it stays', async () => {
      const socket = join(root, 'agent.sock');
      const agent = createServer((client) => client.end()).listen(socket);
      try {
        const dockerfile = `${INTO}RUN --mount=type=ssh /bin/busybox test -S "$SSH_AUTH_SOCK" && /bin/busybox echo found an agent\n`;
        const image = await build(dockerfile, { platforms: OWN, options: { ssh: [`default=${socket}`] }, site: { noCache: true } });
        expect(seen.join('\n')).toMatch(/found an agent/);
        expect([JSON.stringify(image), await layers(image)].filter((place) => /agent\.sock|SSH_AUTH_SOCK/.test(place))).toEqual([]);
      } finally {
        agent.close();
      }
    });

    it('hides a secret that a failing step shows, and refuses one that is not set', async () => {
      const dockerfile = `${INTO}RUN --mount=type=secret,id=npm /bin/busybox cat /run/secrets/npm; /bin/busybox false\n`;
      const wishes: Wishes = { platforms: OWN, options: { secret: ['id=npm,env=PINLANE_TEST_SECRET'] } };
      const failed = await errorOf(() => build(dockerfile, { ...wishes, site: { env: { PINLANE_TEST_SECRET: CANARY } } }));
      expect([failed.code, String(failed).includes('[redacted]'), String(failed).includes(CANARY)]).toEqual(['ERR_BUILD_FAILED', true, false]);
      await expect(build(dockerfile, wishes)).rejects.toThrow('PINLANE_TEST_SECRET, for npm, is not set');
    });

    it('stops when it is interrupted: no client of Docker lives on, and nothing is half written', async () => {
      const controller = new AbortController();
      const dockerfile = `${INTO}RUN /bin/busybox echo started; /bin/busybox sleep 600\n`;
      const site: Partial<DockerEngineInput> = { noCache: true };
      const code = codeOf(() => build(dockerfile, { platforms: OWN, site, signal: controller.signal }));
      while (!seen.some((line) => /^[\d.]+ started/.test(line))) await new Promise((resolve) => setTimeout(resolve, 20));
      const clients = () => [...processesWith(join(root, 'work')).keys()];
      expect(clients()).not.toEqual([]);
      controller.abort();
      expect(await code).toBe('ERR_CANCELLED');
      expect([clients(), readdirSync(join(root, 'work')), existsSync(join(root, 'store/index.json'))]).toEqual([[], [], false]);
    });
  });
});
