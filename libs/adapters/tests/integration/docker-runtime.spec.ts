import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RunnableImage, RunningProcessor, StartOptions } from '@pinlane/contracts';
import { codeOf, lackOf, processesWith, requirement, temporaryFolder, textIfThere } from '@pinlane/testing';
import { dockerRuntime } from '../../src/index.ts';
import { findDocker } from '../../src/runtime/docker/daemon.ts';
import { ownerLabels, startOf, thisOwner, type Owner } from '../../src/runtime/docker/owner.ts';
import { sweep } from '../../src/runtime/docker/runtime.ts';
import { archivedImage, OWN_PLATFORM, removeImages, uniqueName } from '../support/image.ts';
import { IMAGE, makeRootfs, MIRROR } from '../support/rootfs.ts';

// A real daemon on a machine that may be busy.
jest.setTimeout(120_000);

/** Behaves as it is told, and otherwise shows what it sees. */
const PROGRAM = `
if (process.env.STUBBORN) { process.on('SIGTERM', () => process.stderr.write('no\\n')); require('node:http').createServer((q, r) => r.end('{}')).listen(8000); }
else if (process.env.FLOOD) {
  const line = 'x'.repeat(1023) + '\\n';
  for (let at = 0; at < 32 * 1024; at += 1) require('node:fs').writeSync(at % 2 + 1, line);
  require('node:http').createServer((q, r) => r.end('{}')).listen(8000);
} else { ${MIRROR}
  process.on('SIGUSR2', () => { const all = []; for (;;) all.push(Buffer.alloc(16 * 2 ** 20, 1)); });
}`;

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const ofRun = (image: string): string[] => docker('ps', '--all', '--quiet', '--filter', `name=pinlane-${image}`).split('\n').filter(Boolean);

requirement(
  'docker',
  lackOf('docker'),
  describe,
)('the runtime docker, on a real daemon', () => {
  const name = uniqueName();
  let rootfs = '';
  let image: RunnableImage;
  let artifacts = '';
  let running: RunningProcessor | undefined;

  beforeAll(async () => {
    rootfs = makeRootfs(PROGRAM);
    image = await archivedImage(rootfs, { name, config: IMAGE });
  });
  afterAll(() => removeImages(name));
  beforeEach(() => {
    artifacts = temporaryFolder('artifacts');
  });
  afterEach(async () => {
    await running?.stop(0);
    running = undefined;
    expect(ofRun(name)).toEqual([]);
  });

  const start = async (more: Partial<StartOptions> = {}): Promise<RunningProcessor> =>
    (running = await dockerRuntime.start({
      image,
      limits: { cpus: 64, memoryBytes: 256 * 2 ** 20, pids: 77 },
      env: {},
      port: 8000,
      artifacts,
      until: 'healthy',
      startTimeoutMs: 60_000,
      ...more,
    }));
  const inspect = (id: string): Record<string, Record<string, unknown>> & { Image: string } =>
    (JSON.parse(docker('container', 'inspect', id)) as [Record<string, Record<string, unknown>> & { Image: string }])[0];

  it('runs the very image that it was given, under every restriction and limit', async () => {
    const processor = await start();
    const found = ofRun(name).map(inspect);
    const [own] = found.filter(({ HostConfig }) => String(HostConfig?.['NetworkMode']).startsWith('container:'));
    expect([image.digest, image.configDigest]).toContain(own?.Image);
    expect(own?.['HostConfig']).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 256 * 2 ** 20,
      PidsLimit: 77,
    });
    expect(own?.['HostConfig']).toMatchObject({ MemorySwap: 256 * 2 ** 20, Privileged: false });
    expect(own?.['Config']).toMatchObject({ User: '1000:1000' });
    const [bridge] = found.filter((one) => one !== own);
    expect(bridge?.['HostConfig']).toMatchObject({ NetworkMode: 'none', ReadonlyRootfs: true, CapDrop: ['ALL'] });
    expect(processor.isolation).toMatchObject({ runtime: 'docker', limits: { cpu: 'enforced', memory: 'enforced', pids: 'enforced' }, emulated: false });
  });

  it('does not believe a name: an image that someone put under it is replaced', async () => {
    await (await start()).stop(0);
    const [tag] = docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `pinlane.localhost/accept/${name}`).split('\n') as [string];
    const bridge = docker('image', 'ls', '--quiet', 'pinlane.localhost/accept/bridge').split('\n')[0] as string;
    docker('image', 'rm', '--force', tag);
    docker('tag', bridge, tag);
    await start();
    expect([image.digest, image.configDigest]).toContain(docker('image', 'inspect', '--format', '{{.Id}}', tag));
  });

  it('refuses an archive that holds another image than the one that was asked for', async () => {
    const [digest, configDigest] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`] as [RunnableImage['digest'], RunnableImage['digest']];
    await expect(start({ image: { ...image, digest, configDigest } })).rejects.toThrow(/ERR_DIGEST_MISMATCH/);
  });

  it('hands on an error of the source from which the image is read', async () => {
    const broken: RunnableImage = {
      ...image,
      digest: `sha256:${'3'.repeat(64)}` as RunnableImage['digest'],
      archive: async function* () {
        yield Buffer.alloc(512);
        throw new Error('the disk is on fire');
      },
    };
    await expect(start({ image: broken })).rejects.toThrow('the disk is on fire');
  });

  it('keeps only the newest image of a processor and platform', async () => {
    await (await start()).stop(0);
    const other = await archivedImage(rootfs, { name, config: { ...IMAGE, Env: ['FROM_IMAGE=another'] } });
    await (await start({ image: other })).stop(0);
    expect(docker('image', 'ls', '--format', '{{.Tag}}', `pinlane.localhost/accept/${name}`)).toBe(
      `${OWN_PLATFORM.slice('linux/'.length)}-${other.digest.slice('sha256:'.length, 'sha256:'.length + 12)}`,
    );
  });

  it('refuses an image that runs as root, and one that names no user', async () => {
    for (const User of ['', '0', '0:0', '0:1000']) {
      expect(await codeOf(() => start({ image: { ...image, config: { ...IMAGE, User } } }))).toBe('ERR_IMAGE_ROOT');
    }
  });

  it('shows no value of the environment in the arguments of any process, whatever it holds', async () => {
    const canary = `canary-${randomUUID()}`;
    const lines = `-----BEGIN-----\n${canary}\n-----END-----\n`;
    const seen: string[] = [];
    let looking = true;
    const look = async (): Promise<void> => {
      while (looking) {
        seen.push(...processesWith(canary).values());
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const watching = look();
    const processor = await start({ env: { SINGLE: canary, SEVERAL: lines, SPACED: ` ${canary} # = "'$HOME` } });
    looking = false;
    await watching;
    const { body } = await processor.request({ method: 'GET', path: '/' });
    expect((JSON.parse(Buffer.from(body).toString()) as { env: unknown }).env).toMatchObject({
      SINGLE: canary,
      SEVERAL: lines,
      SPACED: ` ${canary} # = "'$HOME`,
    });
    expect(seen).toEqual([]);
    // Other runs on this machine have files of that name, and not this value.
    const files = readdirSync(tmpdir())
      .filter((entry) => entry.startsWith('pinlane-run-'))
      .map((folder) => join(tmpdir(), folder, 'environment'));
    expect(files.filter((file) => textIfThere(file).includes(canary))).toEqual([]);
  });

  it('removes a processor that does not hear SIGTERM', async () => {
    const processor = await start({ env: { STUBBORN: 'yes' } });
    expect(await processor.stop(300)).toEqual({ exitCode: 137 });
    expect(processor.stderr()).toBe('no\n');
    expect(processor.ended()).toBeNull();
  });

  it('is not held up by a processor that writes without end, and keeps the newest of it', async () => {
    const processor = await start({ env: { FLOOD: 'yes' } });
    expect(processor.logs().length).toBeGreaterThan(3 * 2 ** 20);
    expect(processor.logs().length).toBeLessThan(5 * 2 ** 20);
  });

  it('says that a processor went over its memory limit', async () => {
    const processor = await start();
    const id = ofRun(name).find((each) => String(inspect(each)['HostConfig']?.['NetworkMode']).startsWith('container:')) as string;
    docker('kill', '--signal', 'USR2', id);
    docker('wait', id);
    for (let tries = 0; tries < 200 && processor.ended() === null; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(processor.ended()).toBe('was killed, because it went over its memory limit of 256 MiB (runtime.memory_gb)');
  });

  it('lets its caller remove what the processor wrote, whoever the caller is', async () => {
    const processor = await start();
    await processor.request({ method: 'GET', path: '/' });
    const file = join(artifacts, 'written.txt');
    expect(statSync(file).uid).toBe(1000);
    chmodSync(file, 0o600);
    await processor.stop(0);
    expect(statSync(file).mode & 0o777).toBe(0o666);
  });

  it('sweeps what killed runs left, and nothing of runs that go on or cannot be seen', async () => {
    await (await start()).stop(0);
    const bridge = docker('image', 'ls', '--quiet', 'pinlane.localhost/accept/bridge').split('\n')[0] as string;
    const gone = spawnSync('true').pid;
    const here = thisOwner();
    const create = (owner: Owner): string => {
      const labels = Object.entries(ownerLabels(owner)).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
      return docker('create', '--pull', 'never', '--network', 'none', '--name', `pinlane-${name}-${randomUUID()}`, ...labels, bridge, '/none');
    };
    const dead = [create({ ...here, pid: String(gone), started: '1' }), create({ ...here, boot: 'an earlier one' })];
    // A number that is in use again, by another process.
    dead.push(create({ ...here, started: String(Number(startOf('self')) + 1) }));
    const alive = [create(here), create({ ...here, host: 'another', pid: '1', started: '1' }), create({ ...here, space: 'pid:[1]', started: '1' })];
    try {
      const found = await findDocker();
      if ('available' in found) throw new Error('no docker');
      await sweep(found);
      const left = docker('ps', '--all', '--quiet', '--no-trunc').split('\n');
      expect(dead.filter((id) => left.includes(id))).toEqual([]);
      expect(alive.filter((id) => !left.includes(id))).toEqual([]);
    } finally {
      spawnSync('docker', ['rm', '--force', ...dead, ...alive]);
    }
  });
});
