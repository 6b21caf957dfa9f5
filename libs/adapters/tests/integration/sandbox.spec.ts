import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, afterEach, describe, expect, it, jest } from '@jest/globals';
import type { RunnableImage, RunningProcessor } from '@pinlane/contracts';
import { requirement, temporaryFolder } from '@pinlane/testing';
import { bubblewrapRuntime, dockerRuntime, findProgram, SANDBOX_BYTES, unshareRuntime } from '../../src/index.ts';
import { archivedImage, removeImages, uniqueName, unpackedImage } from '../support/image.ts';
import { IMAGE, makeRootfs } from '../support/rootfs.ts';

jest.setTimeout(60_000);

/** Tries what a sandbox must not allow, and says what came of it. Nothing is written to what belongs to the machine: opening it is enough. */
const PRISONER = `
const fs = require('node:fs'), http = require('node:http'), os = require('node:os');
const attempt = (work) => { try { return work() ?? 'done'; } catch (error) { return error.code; } };
const open = (file, flags) => attempt(() => fs.closeSync(fs.openSync(file, flags)));
const fill = (folder, most) => attempt(() => {
  const file = fs.openSync(folder + '/fill', 'w');
  try {
    for (let written = 0; written <= most; written += 2 ** 22) fs.writeSync(file, Buffer.alloc(2 ** 22));
  } finally { fs.closeSync(file); fs.rmSync(folder + '/fill'); }
});
const size = (folder) => { const { blocks, bsize } = fs.statfsSync(folder); return blocks * bsize; };
const status = () => Object.fromEntries(fs.readFileSync('/proc/self/status', 'utf8').split('\\n').map((line) => line.split(':\\t')).filter(([name]) => /^(Cap|NoNewPrivs)/.test(name)));
http.createServer((request, response) => {
  if (request.url === '/healthz') return response.end('{}');
  response.end(JSON.stringify({
    status: status(), host: os.hostname(),
    writable: ['/proc/sys/kernel/hostname', '/proc/sys/kernel/domainname', '/proc/sys/kernel/core_pattern', '/proc/sys/vm/overcommit_memory', '/proc/sysrq-trigger',
      '/dev/.pinlane/libc.so.6', '/dev/.pinlane/setpriv', '/usr/bin/node', '/etc/passwd', '/proc/1/mem.none'].filter((file) => open(file, 'r+') === 'done' || open(file, 'w') === 'done'),
    creatable: ['/', '/dev', '/dev/.pinlane', '/usr', '/app', '/proc'].filter((folder) => attempt(() => fs.mkdirSync(folder + '/made')) === 'done'),
    sizes: { tmp: size('/tmp'), shm: size('/dev/shm') },
    shm: fill('/dev/shm', ${SANDBOX_BYTES.sharedMemory}),
    tmp: attempt(() => { fs.writeFileSync('/tmp/a', 'x'); fs.chmodSync('/tmp/a', 0o755); }),
    devices: ['null', 'zero', 'urandom'].map((name) => open('/dev/' + name, 'r+')),
  }));
}).listen(Number(process.env.PORT), '0.0.0.0');
`;

/** Beats for as long as it lives, obeys no SIGTERM, and has a child that does the same. */
const UNDYING = `
const fs = require('node:fs'), http = require('node:http'), { spawn } = require('node:child_process');
process.on('SIGTERM', () => {});
setInterval(() => fs.appendFileSync(process.env.ARTIFACTS_ROOT + '/alive', '.'), 20);
if (process.argv[2] !== 'child') {
  spawn(process.execPath, [__filename, 'child'], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }).unref();
  http.createServer((request, response) => response.end('{}')).listen(Number(process.env.PORT), '0.0.0.0');
}
`;

/** Puts setpriv, wherever this machine has it, beside the program, and what it is linked with into the root. @returns its path */
const addSetpriv = (rootfs: string): string => {
  const libraries = execFileSync('ldd', [SETPRIV as string], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  for (const file of libraries) {
    mkdirSync(join(rootfs, dirname(file)), { recursive: true });
    copyFileSync(file, join(rootfs, file));
  }
  copyFileSync(SETPRIV as string, join(rootfs, 'app/setpriv'));
  return '/app/setpriv';
};

const SETPRIV = findProgram('setpriv');

for (const runtime of [bubblewrapRuntime, unshareRuntime, dockerRuntime]) {
  const found = await runtime.availability();
  requirement(
    runtime.name,
    found.available ? null : found.reason,
    describe,
  )(`the sandbox of ${runtime.name}`, () => {
    const name = uniqueName();
    let image: RunnableImage;
    let artifacts = '';
    let running: RunningProcessor | undefined;
    beforeAll(async () => {
      image = await (runtime.name === 'docker' ? archivedImage : unpackedImage)(makeRootfs(PRISONER), { name, config: IMAGE });
    });
    beforeEach(() => {
      artifacts = temporaryFolder('artifacts');
    });
    afterEach(async () => {
      await running?.stop(0);
      running = undefined;
      if (runtime.name === 'docker') removeImages(name);
    });

    it('leaves a processor no capability, nothing of the machine to write to, and so much memory and no more for files', async () => {
      const limits = { cpus: 1, memoryBytes: 2 ** 30, pids: 128 };
      running = await runtime.start({ image, limits, env: {}, port: 8000, artifacts, until: 'healthy', startTimeoutMs: 20_000 });
      const seen = JSON.parse(Buffer.from((await running.request({ method: 'GET', path: '/' })).body).toString('utf8')) as object;
      const none = expect.stringMatching(/^0+$/);
      expect(seen).toEqual({
        status: { CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none, NoNewPrivs: '1' },
        host: expect.any(String),
        writable: [],
        creatable: [],
        sizes: { tmp: SANDBOX_BYTES.tmp, shm: SANDBOX_BYTES.sharedMemory },
        shm: 'ENOSPC',
        tmp: 'done',
        devices: ['done', 'done', 'done'],
      });
    });

    // Docker ends a container with all that is in it.
    if (runtime.name === 'docker') return;
    requirement(
      'setpriv',
      SETPRIV === null ? 'setpriv' : null,
      it,
    )('ends a processor with all its children, though it obeys nothing and called off that it goes with its parent', async () => {
      const rootfs = makeRootfs(UNDYING);
      const config = { ...IMAGE, Entrypoint: [addSetpriv(rootfs), '--pdeathsig', 'clear', '--', 'node', '/app/main.cjs'] };
      const undying = await unpackedImage(rootfs, { name, config });
      const limits = { cpus: 1, memoryBytes: 2 ** 30, pids: 128 };
      running = await runtime.start({ image: undying, limits, env: {}, port: 8000, artifacts, until: 'healthy', startTimeoutMs: 20_000 });
      const beats = (): number => statSync(join(artifacts, 'alive'), { throwIfNoEntry: false })?.size ?? 0;
      for (let tries = 0; tries < 200 && beats() < 10; tries += 1) await sleep(50);
      expect(beats()).toBeGreaterThanOrEqual(10);
      await running.stop(100);
      await sleep(300);
      const before = beats();
      await sleep(500);
      expect(beats()).toBe(before);
    });
  });
}
