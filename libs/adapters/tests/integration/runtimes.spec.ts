import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ImageRunConfig, RunnableImage, RunningProcessor, StartOptions } from '@pinlane/contracts';
import { errorOf, requirement, temporaryFolder } from '@pinlane/testing';
import { bubblewrapRuntime, dockerRuntime, hostRuntime, probeEgress, unshareRuntime } from '../../src/index.ts';
import { archivedImage, removeImages, uniqueName, unpackedImage } from '../support/image.ts';
import { IMAGE, makeRootfs, MIRROR } from '../support/rootfs.ts';

// Real processes and servers: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

for (const runtime of [bubblewrapRuntime, unshareRuntime, dockerRuntime, hostRuntime]) {
  const found = await runtime.availability();
  const isolated = runtime.name !== 'host';
  requirement(
    runtime.name,
    found.available ? null : found.reason,
    describe,
  )(`the runtime ${runtime.name}`, () => {
    const name = uniqueName();
    let rootfs = '';
    let image: RunnableImage;
    let artifacts = '';
    let running: RunningProcessor | undefined;

    const imageOf = (folder: string, config: ImageRunConfig = IMAGE): Promise<RunnableImage> =>
      (runtime.name === 'docker' ? archivedImage : unpackedImage)(folder, { name, config });

    beforeAll(async () => {
      rootfs = makeRootfs(MIRROR);
      image = await imageOf(rootfs);
    });
    afterAll(() => {
      if (runtime.name === 'docker') removeImages(name);
    });
    beforeEach(() => {
      artifacts = temporaryFolder('artifacts');
    });
    afterEach(async () => {
      await running?.stop(0);
      running = undefined;
    });

    const start = async (more: Partial<StartOptions> = {}): Promise<RunningProcessor> =>
      (running = await runtime.start({
        image,
        limits: { cpus: 1, memoryBytes: 512 * 2 ** 20, pids: 128 },
        env: { GIVEN: 'yes' },
        port: 8000,
        artifacts,
        until: 'healthy',
        startTimeoutMs: 20_000,
        ...more,
      }));
    const seenBy = async (processor: RunningProcessor): Promise<Record<string, unknown>> =>
      JSON.parse(Buffer.from((await processor.request({ method: 'GET', path: '/' })).body).toString('utf8')) as Record<string, unknown>;

    it("gives the processor the image's environment and what it is told, and nothing of this machine's", async () => {
      const { env } = (await seenBy(await start())) as { env: Record<string, string> };
      // Bubblewrap sets PWD itself when it changes the folder, Docker HOME and HOSTNAME.
      const { PWD: _, HOME: __, HOSTNAME: ___, ...rest } = env;
      const own = isolated ? {} : { PINLANE_SPEC: expect.any(String) };
      expect(rest).toEqual({
        ...own,
        PATH: expect.any(String),
        FROM_IMAGE: 'yes',
        GIVEN: 'yes',
        PORT: String(running?.port),
        ARTIFACTS_ROOT: running?.artifactsRoot,
      });
    });

    it('lets the processor write below its artifacts root, where this machine finds it', async () => {
      expect(await seenBy(await start())).toMatchObject({ writeArtifacts: 'done' });
      expect(readFileSync(join(artifacts, 'written.txt'), 'utf8')).toBe('by the processor');
    });

    it('carries large bodies, and answers that come before the body was read', async () => {
      const processor = await start();
      const body = Buffer.alloc(3_000_000, 'x');
      expect(Buffer.from((await processor.request({ method: 'POST', path: '/size', body })).body).toString()).toBe('3000000');
      expect((await processor.request({ method: 'POST', path: '/early', body })).status).toBe(413);
    });

    it('keeps what the processor writes, and tells its two streams apart', async () => {
      const processor = await start();
      expect(processor.logs()).toContain('to stdout\n');
      expect(processor.logs()).toContain('to stderr\n');
      expect(processor.stderr()).toBe('to stderr\n');
    });

    it('stops the processor with SIGTERM and hands on its exit code', async () => {
      const processor = await start();
      expect(await processor.stop()).toEqual({ exitCode: 7 });
      expect(processor.stderr()).toContain('terminating');
      await expect(processor.request({ method: 'GET', path: '/healthz' })).rejects.toThrow();
    });

    it('kills a processor that does not obey SIGTERM in time', async () => {
      const processor = await start();
      await processor.suspend();
      const { exitCode } = await processor.stop(50);
      expect(exitCode).not.toBe(7);
      await expect(processor.request({ method: 'GET', path: '/healthz' })).rejects.toThrow();
    });

    it('holds a processor back and lets it go on', async () => {
      const processor = await start();
      await processor.suspend();
      const answer = processor.request({ method: 'GET', path: '/size' });
      expect(await Promise.race([answer, sleep(100, 'held back')])).toBe('held back');
      await processor.resume();
      expect((await answer).status).toBe(200);
    });

    it('reports a processor that ends early, with the end of its log', async () => {
      const broken = makeRootfs('console.error("no such planet"); process.exit(3);');
      const error = await errorOf(async () => start({ image: await imageOf(broken) }));
      expect(error.code).toBe('ERR_START_FAILED');
      expect(error.message).toMatch(/exit code 3 before it answered[^]*no such planet/);
    });

    it('reports a processor that never becomes healthy', async () => {
      const deaf = makeRootfs("require('node:http').createServer((q, r) => r.writeHead(500).end()).listen(Number(process.env.PORT), '0.0.0.0');");
      const deafImage = await imageOf(deaf);
      await expect(start({ image: deafImage, startTimeoutMs: 700 })).rejects.toThrow(/ERR_START_FAILED: .*did not answer/);
      expect((await start({ image: deafImage, until: 'answering' })).healthyAfterMs).toBeGreaterThan(0);
    });

    it('gives up when it is interrupted', async () => {
      await expect(start({ signal: AbortSignal.abort() })).rejects.toThrow(/ERR_CANCELLED/);
    });

    it('leaves no process and no folder behind when whoever started it is killed', async () => {
      const temporary = temporaryFolder('t');
      const beating = makeRootfs(`setInterval(() => require('node:fs').appendFileSync(process.env.ARTIFACTS_ROOT + '/alive', '.'), 20); ${MIRROR}`);
      const script = `
        import { RUNTIMES } from '@pinlane/adapters';
        const runtime = RUNTIMES.find(({ name }) => name === process.argv[1]);
        const { rootfs, ...image } = JSON.parse(process.argv[2]);
        await runtime.start({ image: { ...image, rootfs: async () => rootfs }, artifacts: process.argv[3], ...JSON.parse(process.argv[4]) });
        console.log('started');
        setInterval(() => {}, 1000);`;
      const beatingImage = await imageOf(beating);
      const options = { env: {}, limits: { cpus: 1, memoryBytes: 512 * 2 ** 20, pids: 128 }, port: 8000, until: 'healthy', startTimeoutMs: 20_000 };
      if (runtime.name === 'docker') await (await start({ image: beatingImage })).stop(0);
      const args = [runtime.name, JSON.stringify({ ...beatingImage, rootfs: beating }), artifacts, JSON.stringify(options)];
      const starter = spawn(process.execPath, ['--conditions=@pinlane/source', '--input-type=module', '-e', script, ...args], {
        cwd: import.meta.dirname,
        env: { ...process.env, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = (await once(starter.stdout, 'data')) as [Buffer];
      expect(String(said)).toBe('started\n');
      expect(readdirSync(temporary)).toHaveLength(1);
      starter.kill('SIGKILL');
      await once(starter, 'exit');
      // It beats until it dies; from then on the file stays as it is.
      const beats = (): number => readFileSync(join(artifacts, 'alive')).length;
      const still = async (): Promise<boolean> => {
        const before = beats();
        await sleep(200);
        return beats() === before;
      };
      for (let tries = 0; tries < 50 && !(await still()); tries += 1);
      expect(await still()).toBe(true);
      // What cleans up in place of the one that was killed does so when all is dead.
      for (let tries = 0; tries < 100 && readdirSync(temporary).length > 0; tries += 1) await sleep(200);
      expect(readdirSync(temporary)).toEqual([]);
    });

    if (isolated) {
      it('shows the processor the image as a read-only root, its own processes and no capability', async () => {
        const mark = `pinlane-mark-${randomUUID()}`;
        expect(await seenBy(await start({ env: { MARK: mark } }))).toMatchObject({
          uid: 1000,
          gid: 1000,
          pid: 1,
          processes: 1,
          cwd: '/app',
          writeRoot: 'EROFS',
          writeTmp: 'done',
          devNull: 'done',
          // To a plain user this decides over the line above.
          devMode: '755',
          capabilities: '0000000000000000',
          root: expect.not.arrayContaining(['home', 'root', 'etc']),
        });
        expect(existsSync(join(rootfs, 'app/written'))).toBe(false);
        expect(existsSync(join('/tmp', mark))).toBe(false);
      });

      it('blocks the network, which a probe proves', async () => {
        expect(await probeEgress(await start())).toEqual({ blocked: true, reasons: [] });
      });

      it('takes the very port that it is told, whatever listens on it on this machine', async () => {
        const [one, two] = [await start(), await start()];
        expect([one.port, two.port]).toEqual([8000, 8000]);
        await one.stop(0);
      });

      if (runtime.name !== 'docker')
        it('runs an image without a user as root of its own namespace only', async () => {
          const seen = await seenBy(await start({ image: await imageOf(rootfs, { ...IMAGE, User: '' }) }));
          expect(seen).toMatchObject({ uid: 0, writeRoot: 'EROFS' });
        });
    } else {
      it('says that it isolates nothing, and a probe agrees', async () => {
        const processor = await start();
        const open = { runtime: 'host', network: 'open', filesystem: 'open', user: 'same', processes: 'shared' };
        expect(processor.isolation).toEqual({ ...open, emulated: false, limits: { cpu: 'none', memory: 'none', pids: 'none' } });
        expect(await probeEgress(processor)).toMatchObject({ blocked: false });
      });

      it('refuses an image that is not run by Node', async () => {
        await expect(start({ image: await imageOf(rootfs, { ...IMAGE, Entrypoint: ['/bin/sh'] }) })).rejects.toThrow(
          /ERR_RUNTIME_UNAVAILABLE: .*runs Node alone/,
        );
      });
    }
  });
}
