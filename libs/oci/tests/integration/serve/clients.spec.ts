import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { lackOf, makeImage, putImage, requirement, temporaryFolder } from '@pinlane/testing';
import { childManifests, parseDocument, sha256 } from '../../../src/content/index.ts';
import { openStore } from '../../../src/store/index.ts';
import { verifyWhole } from '../../support/images.ts';
import { pushImage, serving, type Served } from '../../support/serving.ts';
import { lacks } from '../../support/tools.ts';

const execute = promisify(execFile);
/** Runs a program to its end while this process goes on serving. */
const run = async (program: string, ...args: string[]): Promise<string> => (await execute(program, args, { maxBuffer: 1 << 26 })).stdout.trim();

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup().catch(() => undefined);
}, 60_000);
const serve = serving();

const HOST = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
const PLATFORMS = ['linux/amd64', 'linux/arm64'];

/** A context whose image holds one file with this word. */
const context = async (dockerfile: readonly string[], word: string): Promise<string> => {
  const path = temporaryFolder('oci');
  await mkdir(join(path, 'files'), { recursive: true });
  await writeFile(join(path, 'Dockerfile'), `${dockerfile.join('\n')}\n`);
  await writeFile(join(path, 'files/word'), word);
  return path;
};

const forgetting = (image: string): string => {
  cleanups.push(() => run('docker', 'image', 'rm', '--force', image));
  return image;
};

/** Reads a file of an image that the daemon has, without running anything. */
const fileOf = async (image: string, path: string, platform: string): Promise<string> => {
  const id = await run('docker', 'create', '--platform', platform, '--pull', 'never', image, '/nothing');
  cleanups.push(() => run('docker', 'rm', '--force', id));
  const to = join(temporaryFolder('oci'), 'file');
  await run('docker', 'cp', `${id}:${path}`, to);
  return readFile(to, 'utf8');
};

const uniqueWord = (): string => randomBytes(8).toString('hex');

/** Builds for both platforms and pushes, as `docker buildx build --push` does. */
const buildAndPush = async (served: Served, name: string, dockerfile: readonly string[], word: string): Promise<void> => {
  await run(
    ...(['docker', 'buildx', 'build', '--provenance=false', '--platform', PLATFORMS.join(','), '--push'] as const),
    ...['--tag', forgetting(`${served.host}/${name}`), await context(dockerfile, word)],
  );
};

requirement(
  'buildx',
  lackOf('buildx'),
  describe,
)('Docker', () => {
  it('builds for two platforms, pushes, and pulls each of them by its digest', async () => {
    const served = await serve();
    const word = uniqueWord();
    await buildAndPush(served, 'team/app:v1', ['FROM scratch', 'COPY files/word /word'], word);
    const index = await served.store.resolve('team/app:v1');
    await verifyWhole(served.store, index.digest);

    const children = childManifests(parseDocument((await served.store.readManifest(index.digest)).bytes));
    expect(children.map(({ platform }) => `${platform?.os}/${platform?.architecture}`)).toEqual(PLATFORMS);
    for (const { digest, platform } of children) {
      await run('docker', 'image', 'rm', '--force', `${served.host}/team/app:v1`);
      const before = served.lines.length;
      const image = forgetting(`${served.host}/team/app@${digest}`);
      await run('docker', 'pull', '--quiet', image);
      expect(served.lines.slice(before).join('\n')).toContain(`/v2/team/app/manifests/${digest} 200`);
      expect(await fileOf(image, '/word', `linux/${platform?.architecture}`)).toBe(word);
    }
  }, 120_000);

  it('pulls by tag and by digest what a push of its own left, and builds on it by digest', async () => {
    const served = await serve();
    const word = uniqueWord();
    const tag = forgetting(`${served.host}/base`);
    await run('docker', 'build', '--quiet', '--tag', tag, await context(['FROM scratch', 'COPY files/word /word'], word));
    await run('docker', 'push', '--quiet', tag);
    const { digest } = await served.store.resolve('base');
    await run('docker', 'image', 'rm', '--force', tag);

    const derived = forgetting(`${served.host}/derived:v1`);
    const from = await context([`FROM ${served.host}/base@${digest}`, 'COPY files/word /other'], 'other');
    await run('docker', 'build', '--quiet', '--no-cache', '--push', '--tag', derived, from);
    await run('docker', 'image', 'rm', '--force', derived);
    await run('docker', 'pull', '--quiet', derived);
    expect([await fileOf(derived, '/word', HOST), await fileOf(derived, '/other', HOST)]).toEqual([word, 'other']);
    expect(served.lines.filter((line) => / 5\d\d \d+ \d+ms/.test(line))).toEqual([]);
  }, 120_000);

  it('keeps its build cache here and takes it from here', async () => {
    const served = await serve();
    const from = await context(['FROM scratch', 'COPY files/word /word'], uniqueWord());
    const cache = `type=registry,ref=${served.host}/app:cache`;
    await run('docker', 'buildx', 'build', '--cache-to', `${cache},mode=max`, '--output', 'type=cacheonly', from);
    const { stderr } = await execute('docker', ['buildx', 'build', '--progress=plain', '--cache-from', cache, '--output', 'type=cacheonly', from]);
    expect(stderr).toContain(`importing cache manifest from ${served.host}/app:cache`);
    await served.store.collect({ keep: [], graceMs: -10_000 });
    expect(await served.store.missing((await served.store.resolve('app:cache')).digest)).toEqual([]);
  }, 120_000);
});

requirement(
  'skopeo',
  lacks('skopeo'),
  describe,
)('Skopeo', () => {
  const copy = (...args: string[]) => run('skopeo', 'copy', '--quiet', '--all', '--preserve-digests', ...args);

  it('copies from the registry what a build has named, and to it what it then finds in the layout', async () => {
    const served = await serve();
    const [built, other] = [makeImage({ layerSize: 100_000 }), makeImage()];
    await putImage(served.store, built);
    await served.store.name('llm-litellm', built.index.descriptor);
    const away = join(temporaryFolder('oci'), 'away');
    await copy('--src-tls-verify=false', `docker://${served.host}/llm-litellm@${built.index.descriptor.digest}`, `oci:${away}:v1`);
    await verifyWhole(openStore(away), built.index.descriptor.digest);

    await putImage(openStore(away), other);
    await openStore(away).name('v2', other.index.descriptor);
    await copy('--dest-tls-verify=false', `oci:${away}:v2`, `docker://${served.host}/team/app:v2`);
    await copy('--dest-tls-verify=false', `oci:${away}:v2`, `docker://${served.host}/team/app`);
    for (const name of ['team/app:v2', 'team/app', 'llm-litellm']) {
      const expected = (name === 'llm-litellm' ? built : other).index.descriptor.digest;
      expect(sha256(`${await run('skopeo', 'inspect', '--raw', `oci:${served.root}:${name}`)}`)).toBe(expected);
    }
  }, 60_000);

  it('lists tags, and deletes an image', async () => {
    const served = await serve();
    const image = makeImage();
    for (const tag of ['v1', 'v2', 'latest']) await pushImage(served, 'team/app', image, tag);
    expect(JSON.parse(await run('skopeo', 'list-tags', '--tls-verify=false', `docker://${served.host}/team/app`))).toMatchObject({
      Tags: ['latest', 'v1', 'v2'],
    });
    await run('skopeo', 'delete', '--tls-verify=false', `docker://${served.host}/team/app:v1`);
    expect((await served.store.names()).size).toBe(0);
  }, 60_000);
});
