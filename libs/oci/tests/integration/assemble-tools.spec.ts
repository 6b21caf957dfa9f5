import { describe, expect, it } from '@jest/globals';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { requirement, temporaryFolder } from '@pinlane/testing';
import { sha256, unpackImage } from '../../src/index.ts';
import { buildFiles, type Files, type TarItem } from '../support/building.ts';
import { lacks, run } from '../support/tools.ts';

const BASE: readonly TarItem[] = [
  { name: 'usr/lib', type: 'directory', mode: 0o755 },
  { name: 'usr/lib/libc.so', content: 'libc' },
  { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
  { name: 'tmp', type: 'directory', mode: 0o1777 },
  { name: 'b/perl', content: 'perl', mode: 0o755 },
  { name: 'b/perl5', type: 'link', linkname: 'b/perl' },
];
const DOCKERFILE = `FROM base AS tools
FROM base
WORKDIR /app
COPY files/ ./
COPY files/ /
COPY extra.so /lib/
COPY --from=tools /b/ /bin/
USER 1000:1000
`;
const LONG = `${'a-long-name-'.repeat(15)}.txt`;
const FILES: Files = {
  [`files/${LONG}`]: 'long',
  'files/ünï ☃.txt': 'not ASCII',
  'files/link': { link: 'tmp/x' },
  'files/tmp/x': 'x',
  'extra.so': 'extra',
  'files/run.sh': { text: '#!/bin/sh\n', mode: 0o755 },
};

const built = async () => {
  const root = temporaryFolder('oci');
  return { root, ...(await buildFiles(root, DOCKERFILE, FILES, { base: [BASE] })) };
};

/** What is to be found in the unpacked image, whoever unpacked it. */
const expectFiles = async (rootfs: string): Promise<void> => {
  const at = (path: string) => join(rootfs, path);
  for (const place of ['app/', '']) {
    expect(await readFile(at(`${place}${LONG}`), 'utf8')).toBe('long');
    expect(await readFile(at(`${place}ünï ☃.txt`), 'utf8')).toBe('not ASCII');
    expect(await readlink(at(`${place}link`))).toBe('tmp/x');
    expect((await lstat(at(`${place}run.sh`))).mode & 0o7777).toBe(0o755);
  }
  expect((await lstat(at('tmp'))).mode & 0o777).toBe(0o777);
  expect((await lstat(at('app/tmp'))).mode & 0o7777).toBe(0o755);
  expect(await readFile(at('tmp/x'), 'utf8')).toBe('x');
  expect(await readlink(at('lib'))).toBe('usr/lib');
  expect(await readFile(at('usr/lib/extra.so'), 'utf8')).toBe('extra');
  expect(await readFile(at('usr/lib/libc.so'), 'utf8')).toBe('libc');
  const [perl, perl5] = [await lstat(at('bin/perl')), await lstat(at('bin/perl5'))];
  expect([perl.ino, perl.mode & 0o7777]).toEqual([perl5.ino, 0o755]);
};

describe('an assembled image', () => {
  it('is unpacked for a runtime as the Dockerfile says', async () => {
    const { root, store, image } = await built();
    const { rootfs } = await unpackImage(store, image.index.digest, { platform: 'linux/arm64', cacheDir: join(root, 'cache') });
    await expectFiles(rootfs);
  });
});

requirement(
  'umoci',
  lacks('umoci'),
  describe,
)('umoci', () => {
  it('unpacks an assembled image as the Dockerfile says', async () => {
    const { root, store, image } = await built();
    // It takes no index; a name for the platform's own manifest will do.
    await store.name('amd64', image.platforms.amd64!);
    run('umoci', 'unpack', '--rootless', '--image', `${store.root}:amd64`, join(root, 'bundle'));
    await expectFiles(join(root, 'bundle', 'rootfs'));
    expect((await lstat(join(root, 'bundle', 'rootfs', 'tmp'))).mode & 0o7777).toBe(0o1777);
    const { process } = JSON.parse(await readFile(join(root, 'bundle', 'config.json'), 'utf8')) as { process: { cwd: string; user: { uid: number } } };
    expect(process).toMatchObject({ cwd: '/app', user: { uid: 1000 } });
  });
});

requirement(
  'skopeo',
  lacks('skopeo'),
  describe,
)('Skopeo', () => {
  it('finds both platforms of an assembled image, and copies it without changing a byte', async () => {
    const { root, store, image } = await built();
    await store.name('built', image.index);
    expect(sha256(run('skopeo', 'inspect', '--raw', `oci:${store.root}:built`))).toBe(image.index.digest);
    for (const architecture of ['amd64', 'arm64'] as const) {
      const seen = JSON.parse(run('skopeo', 'inspect', '--override-os=linux', `--override-arch=${architecture}`, `oci:${store.root}:built`)) as Record<
        string,
        unknown
      >;
      expect(seen).toMatchObject({ Architecture: architecture, Os: 'linux', Created: '1970-01-01T00:00:00Z' });
    }
    run('skopeo', 'copy', '--quiet', '--all', '--preserve-digests', `oci:${store.root}:built`, `oci:${join(root, 'copy')}:built`);
    expect(sha256(run('skopeo', 'inspect', '--raw', `oci:${join(root, 'copy')}:built`))).toBe(image.index.digest);
  });
});
