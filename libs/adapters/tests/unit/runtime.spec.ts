import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Availability, NetworkView, Runtime, RuntimeName } from '@pinlane/contracts';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { chooseRuntime, judgeEgress, resolveUser } from '../../src/index.ts';
import { imageProcess } from '../../src/runtime/image-config.ts';
import { createLogBuffer } from '../../src/runtime/log-buffer.ts';

describe('judging egress', () => {
  const canary = { host: '127.0.0.1', port: 4000 };
  const here: NetworkView = { sameNamespace: true, interfaces: ['lo', 'eth0'], routes: ['eth0 0'], targets: [{ ...canary, reached: true }] };
  const there: NetworkView = { sameNamespace: true, interfaces: ['lo'], routes: [], targets: [{ ...canary, reached: false }] };

  it('finds a network blocked that has lo alone and reaches no canary', () => {
    expect(judgeEgress(here, there)).toEqual({ blocked: true, reasons: [] });
  });

  it.each<[string, NetworkView, NetworkView, RegExp]>([
    ['a canary is reached', here, { ...there, targets: [{ ...canary, reached: true }] }, /reached a canary on 127\.0\.0\.1/],
    ['there is another interface', here, { ...there, interfaces: ['lo', 'eth0'] }, /interface eth0/],
    ['there is a route', here, { ...there, routes: ['eth0 00000000'] }, /route eth0/],
    ['the probe ran elsewhere', here, { ...there, sameNamespace: false }, /did not run in the network/],
    ['the canary is not even reached from here', { ...here, targets: [{ ...canary, reached: false }] }, there, /nothing is proven/],
    ['there was no canary at all', { ...here, targets: [] }, { ...there, targets: [] }, /nothing is proven/],
  ])('does not where %s', (_, control, seen, reason) => {
    const { blocked, reasons } = judgeEgress(control, seen);
    expect(blocked).toBe(false);
    expect(reasons.join()).toMatch(reason);
  });
});

describe('choosing a runtime', () => {
  const runtime = (name: RuntimeName, availability: Availability): Runtime => ({
    name,
    availability: async () => availability,
    artifactsRootOf: (folder) => folder,
    start: async () => Promise.reject(new Error('not started in this test')),
  });
  const there: Availability = { available: true, version: '1' };
  const gone: Availability = { available: false, reason: 'user namespaces are forbidden', fix: 'Allow them.' };
  const all = (bubblewrap: Availability, unshare: Availability): Runtime[] => [
    runtime('bubblewrap', bubblewrap),
    runtime('unshare', unshare),
    runtime('host', there),
  ];
  const lines: string[] = [];
  const choose = (requested: 'auto' | RuntimeName, runtimes: Runtime[], lane: 'local' | 'staging' = 'local') =>
    chooseRuntime(requested, { lane, runtimes, progress: (line) => lines.push(line) });
  beforeEach(() => void lines.splice(0));

  it('takes the best that is there', async () => {
    expect((await choose('auto', all(there, there))).name).toBe('bubblewrap');
    expect((await choose('auto', all(gone, there))).name).toBe('unshare');
    expect(lines).toEqual([]);
  });

  it('falls back to the host in lane local alone, and says so', async () => {
    expect((await choose('auto', all(gone, gone))).name).toBe('host');
    expect(lines).toEqual([expect.stringMatching(/^WARNING: .*bubblewrap: user namespaces are forbidden; unshare: .*network open$/)]);
    await expect(choose('auto', all(gone, gone), 'staging')).rejects.toThrow(/ERR_RUNTIME_UNAVAILABLE: .*forbidden/);
  });

  it('takes what is asked for, or says why it cannot', async () => {
    expect((await choose('unshare', all(there, there))).name).toBe('unshare');
    expect((await choose('host', all(there, there))).name).toBe('host');
    await expect(choose('bubblewrap', all(gone, there))).rejects.toThrow(/ERR_RUNTIME_UNAVAILABLE: .*forbidden\nfix: Allow them/);
    await expect(choose('docker', all(there, there))).rejects.toThrow(/ERR_RUNTIME_UNAVAILABLE: the runtime docker/);
    await expect(choose('host', all(there, there), 'staging')).rejects.toThrow(/ERR_EGRESS_OPEN/);
  });
});

describe("an image's process", () => {
  let rootfs = '';
  beforeEach(() => {
    rootfs = temporaryFolder('config');
    mkdirSync(join(rootfs, 'etc'));
    writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n');
    writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nstaff:x:50:\n');
  });

  it.each([
    ['', { uid: 0, gid: 0 }],
    ['1000:1000', { uid: 1000, gid: 1000 }],
    ['1000', { uid: 1000, gid: 1001 }],
    ['4242', { uid: 4242, gid: 0 }],
    ['node', { uid: 1000, gid: 1001 }],
    ['node:staff', { uid: 1000, gid: 50 }],
  ])('runs as user %j as Docker would', async (user, expected) => expect(await resolveUser(rootfs, user)).toEqual(expected));

  it.each(['nobody-knows', 'node:nobody-knows', '99999999999', '-1'])('refuses the unknown user %j', async (user) => {
    await expect(resolveUser(rootfs, user)).rejects.toThrow(/ERR_MANIFEST_INVALID/);
  });

  it.each<[string, (file: string) => unknown, RegExp]>([
    ['holds more than a mebibyte', (file) => writeFileSync(file, 'x'.repeat(2 ** 20 + 1)), /\/etc\/\w+ holds more than the 1048576 bytes that are read/],
    ['has no content, but a size', (file) => (writeFileSync(file, ''), truncateSync(file, 2 ** 40)), /holds more than the 1048576 bytes/],
    ['is a pipe', (file) => execFileSync('mkfifo', [file]), /is no file/],
    ['is a folder', (file) => mkdirSync(file), /is no file/],
  ])('reads no list of users or groups that %s', async (_, make, message) => {
    for (const [file, user] of [
      ['group', 'node:staff'],
      ['passwd', 'node'],
    ] as const) {
      rmSync(join(rootfs, 'etc', file));
      make(join(rootfs, 'etc', file));
      expect(await errorOf(() => resolveUser(rootfs, user))).toMatchObject({ code: 'ERR_MANIFEST_INVALID', message: expect.stringMatching(message) });
      rmSync(join(rootfs, 'etc', file), { recursive: true });
      writeFileSync(join(rootfs, 'etc', file), '');
    }
  });

  it('reads a list of users of just a mebibyte', async () => {
    const last = '\nlast:x:7:8::/:/bin/sh\n';
    writeFileSync(join(rootfs, 'etc/passwd'), `${'#'.repeat(2 ** 20 - last.length)}${last}`);
    expect(await resolveUser(rootfs, 'last')).toEqual({ uid: 7, gid: 8 });
  });

  it("does not take this machine's users for the image's", async () => {
    rmSync(join(rootfs, 'etc/passwd'));
    symlinkSync('/etc/passwd', join(rootfs, 'etc/passwd'));
    await expect(resolveUser(rootfs, 'daemon')).rejects.toThrow(/ERR_MANIFEST_INVALID/);
  });

  it('joins entry point and command, and lets what is given win over the image', async () => {
    const config = { Env: ['A=image', 'B=has=equals', 'PATH=/opt/bin'], Entrypoint: ['node', 'main.js'], Cmd: ['--flag'], WorkingDir: '/app', User: '1:2' };
    expect(await imageProcess(rootfs, config, { A: 'given' })).toEqual({
      argv: ['node', 'main.js', '--flag'],
      env: { A: 'given', B: 'has=equals', PATH: '/opt/bin' },
      cwd: '/app',
      uid: 1,
      gid: 2,
    });
  });

  it('refuses an image without a command, and variables with malformed names', async () => {
    await expect(imageProcess(rootfs, {}, {})).rejects.toThrow(/neither ENTRYPOINT nor CMD/);
    await expect(imageProcess(rootfs, { Cmd: ['x'], Env: ['BASH_FUNC_x%%=() { :; }'] }, {})).rejects.toThrow(/malformed name/);
  });
});

describe('the log buffer', () => {
  const bytes = (text: string) => Buffer.from(text);

  it('keeps both streams in order and drops the oldest beyond its limit, and says so', () => {
    const log = createLogBuffer({ maxBytes: 600 });
    log.add('stdout', bytes('aaaa'));
    log.add('stderr', bytes('bbbb'));
    expect([log.all(), log.of('stderr'), log.unkept()]).toEqual(['aaaabbbb', 'bbbb', 0]);
    log.add('stdout', bytes('cccc'));
    expect(log.all()).toBe('[the first 4 bytes are not kept; of a log the last 600 are]\nbbbbcccc');
    expect(log.unkept()).toBe(4);
  });

  it('gives a stream of which something was dropped from its first whole line', () => {
    const log = createLogBuffer({ maxBytes: 10_000 });
    for (let at = 0; at < 3000; at += 1) log.add(at % 3 === 0 ? 'stdout' : 'stderr', bytes(`{"line":${at}}\n`.repeat(20)));
    for (const line of log.of('stderr').trim().split('\n')) expect(line).toMatch(/^\{"line":\d+\}$/);
    expect(log.of('stderr').length).toBeLessThan(10_000);
  });

  it('takes no more memory for many small pieces than for few large ones', () => {
    const log = createLogBuffer({ maxBytes: 100_000 });
    for (let at = 0; at < 200_000; at += 1) log.add(at % 2 === 0 ? 'stdout' : 'stderr', bytes('x'));
    expect(log.of('stdout').length + log.of('stderr').length).toBeLessThan(100_000 / 256);
    const one = createLogBuffer({ maxBytes: 100_000 });
    for (let at = 0; at < 90_000; at += 1) one.add('stderr', bytes('x'));
    expect(one.of('stderr')).toHaveLength(90_000);
  });

  it('tells once that more was written than anybody listens to', () => {
    const told: string[] = [];
    const log = createLogBuffer({ floodBytes: 10, onFlood: (why) => told.push(why) });
    for (let at = 0; at < 30; at += 1) log.add('stdout', bytes('x'));
    expect(told).toEqual(['was ended, because it wrote more than 10 bytes to its log']);
  });
});
