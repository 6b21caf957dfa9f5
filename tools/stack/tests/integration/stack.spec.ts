import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lackOf, requirement, temporaryFolder } from '@pinlane/testing';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const NAME = `pinlane-stack-test-${process.pid}`;
const IMAGE = `${NAME}:debian`;
const MINUTE = 60_000;

const run = (command: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 15 * MINUTE, maxBuffer: 64 * 1024 * 1024, ...options });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stderr}${stdout}`);
  return stdout;
};

/** The machine's own sources of packages, so that no mirror is named. */
const aptSources = (): string[] => {
  const folder = '/etc/apt/sources.list.d';
  const found = readdirSync(folder).filter((name) => /\.(?:sources|list)$/.test(name) && !name.startsWith('pinlane-'));
  return [...found.map((name) => join(folder, name)), '/etc/apt/sources.list'].filter((file) => {
    try {
      return /^(?:deb |Types:)/m.test(readFileSync(file, 'utf8'));
    } catch {
      return false;
    }
  });
};

/** An image of Debian's packages that stands in for all three; see image.sh. */
const makeImage = (): void => {
  const folder = temporaryFolder('stack-image');
  const [, release] = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  const tar = join(folder, 'image.tar');
  const left = [
    '/usr/share/doc/*',
    '/usr/share/locale/*',
    '/usr/share/man/*',
    '/usr/share/i18n/*',
    '/usr/lib/*/libLLVM*',
    '/usr/lib/*/libz3*',
    '/usr/lib/*/*/bitcode/*',
  ];
  run('mmdebstrap', [
    '--quiet',
    '--variant=minbase',
    '--include=postgresql,redis-server',
    // dpkg waits for the disk after each file, in a tree that is a tar right after.
    '--dpkgopt=force-unsafe-io',
    // The package would make a database of its own.
    `--essential-hook=mkdir -p "$1/etc/postgresql-common" && echo create_main_cluster=false >"$1/etc/postgresql-common/createcluster.conf"`,
    ...left.map((path) => `--dpkgopt=path-exclude=${path}`),
    release!,
    tar,
    ...aptSources(),
  ]);
  mkdirSync(join(folder, 'usr/local/bin'), { recursive: true });
  const entry = join(folder, 'usr/local/bin/stack-entry');
  copyFileSync(fileURLToPath(new URL('image.sh', import.meta.url)), entry);
  const asks = `exec perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:9000") or exit 1; print $s "GET /minio/health/live HTTP/1.0\\r\\n\\r\\n"; exit(<$s> =~ / 200 / ? 0 : 1)'`;
  writeFileSync(join(folder, 'usr/local/bin/mc'), `#!/bin/sh\n${asks}\n`, { mode: 0o755 });
  run('tar', ['-rf', tar, '--owner=0', '--group=0', '-C', folder, './usr/local/bin/stack-entry', './usr/local/bin/mc']);
  const path = '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  run('docker', ['import', '--change', 'ENTRYPOINT ["/usr/local/bin/stack-entry"]', '--change', `ENV PATH=${path}`, tar, IMAGE]);
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const lack = lackOf('compose') ?? lackOf('mmdebstrap');

requirement(
  'compose',
  lack,
  describe,
)('the stack of local development, of images that variables name', () => {
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    makeImage();
    const ports = Object.fromEntries(
      await Promise.all(['POSTGRES', 'REDIS', 'MINIO', 'MINIO_CONSOLE'].map(async (each) => [`STACK_${each}_PORT`, String(await freePort())] as const)),
    );
    const images = Object.fromEntries(['POSTGRES', 'REDIS', 'MINIO'].map((each) => [`STACK_${each}_IMAGE`, IMAGE]));
    env = { ...process.env, ...ports, ...images, STACK_NAME: NAME };
  }, 20 * MINUTE);
  afterAll(() => {
    stack('down', '--volumes');
    run('docker', ['image', 'rm', '--force', IMAGE]);
  }, 5 * MINUTE);

  const stack = (...args: readonly string[]): string => run(process.execPath, ['--conditions=@pinlane/source', MAIN, ...args], { env });
  const inside = (service: string, ...command: readonly string[]): string => run('docker', ['exec', `${NAME}-${service}-1`, ...command]).trim();
  const sql = (text: string): string =>
    inside('postgres', 'env', 'PGPASSWORD=pinlane-local', 'psql', '-h', '127.0.0.1', '-U', 'pinlane', '-At', '-c', text, 'pinlane');

  it(
    'boots healthy, keeps its data when it ends, and loses it on request',
    async () => {
      const told = stack('up');
      for (const [service, variable] of [
        ['postgres', 'STACK_POSTGRES_PORT'],
        ['redis', 'STACK_REDIS_PORT'],
        ['minio', 'STACK_MINIO_PORT'],
      ] as const)
        expect(told).toMatch(new RegExp(`^${service} +running +healthy +127\\.0\\.0\\.1:${env[variable]}\\b.*${IMAGE}$`, 'm'));
      expect((await fetch(`http://127.0.0.1:${env['STACK_MINIO_PORT']}/minio/health/live`)).status).toBe(200);
      sql('create table kept as select 7 as value');
      inside('redis', 'redis-cli', 'set', 'kept', '7');
      // What runs already is left alone, and its ports are no one else's.
      expect(stack('up')).toMatch(/^redis +running +healthy/m);
      expect(stack('down')).toContain('its data stays');
      expect(stack('status')).toMatch(/^postgres +not there/m);
      stack('up');
      expect([sql('select value from kept'), inside('redis', 'redis-cli', 'get', 'kept')]).toEqual(['7', '7']);
      expect(stack('down', '--volumes')).toContain('its data is gone');
      stack('up');
      expect(inside('redis', 'redis-cli', 'get', 'kept')).toBe('');
      expect(() => sql('select value from kept')).toThrow('does not exist');
    },
    10 * MINUTE,
  );
});
