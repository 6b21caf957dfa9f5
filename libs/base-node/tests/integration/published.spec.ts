import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { formatRepository, type BuiltImage, type Repository } from '@pinlane/contracts';
import { openStore, type Store } from '@pinlane/oci';
import { knownBase } from '@pinlane/base-node';
import { temporaryFolder } from '@pinlane/testing';
import { describeWithApt } from '../support/parts.ts';
import { makeWorkspace } from '../support/workspace.ts';

// apt and npm are real programs that start slowly on a busy machine.
jest.setTimeout(180_000);

describeWithApt('a machine without apt', () => {
  let site: Awaited<ReturnType<typeof makeWorkspace>>;
  let built: BuiltImage;
  let kept: string | undefined;
  let elsewhere: Store;
  let opened: string[];
  let withoutApt: { env: Record<string, string | undefined>; store: Store; openRegistry: (repository: Repository) => Store };

  beforeEach(async () => {
    site = await makeWorkspace();
    await site.lock();
    // What it assembles to is the same each time, and is copied.
    const own = join(site.root, '.pinlane');
    if (kept === undefined) {
      built = await site.build();
      kept = temporaryFolder('kept', { forFile: true });
      await cp(own, kept, { recursive: true });
    } else await cp(kept, own, { recursive: true });
    // The store that it was built into plays the registry that it was pushed to.
    opened = [];
    elsewhere = openStore(join(site.folder, 'store of another machine'));
    const empty = join(site.folder, 'no programs');
    await mkdir(empty);
    withoutApt = {
      env: { ...site.env, PATH: empty },
      store: elsewhere,
      openRegistry: (repository) => {
        opened.push(formatRepository(repository));
        return site.store;
      },
    };
    await site.forget();
  });
  afterEach(() => site.close());

  const publish = (reference: string) => appendFile(join(site.baseDir, 'base.yaml'), `published: ${reference}\n`);

  it('is told of both ways to have a base', async () => {
    const refusal = { code: 'ERR_BASE_UNAVAILABLE', message: expect.stringMatching(/no apt[^]*PINLANE_BASE_IMAGE[^]*published/) };
    await expect(site.build(withoutApt)).rejects.toMatchObject(refusal);
  });

  it('takes the base that was published, whole and by digest', async () => {
    await publish(`ghcr.io/pinlane/base-node@${built.index}`);
    const image = await site.build(withoutApt);
    expect(opened).toEqual(['ghcr.io/pinlane/base-node']);
    expect(image).toEqual({ ...built, repository: 'ghcr.io/pinlane/base-node', pushed: true });
    expect(await elsewhere.missing(built.index)).toEqual([]);
    expect((await elsewhere.resolve('base-node')).digest).toBe(built.index);
    // What is in the store is not asked for again.
    expect(await site.build(withoutApt)).toEqual(image);
    expect(opened).toHaveLength(1);
  });

  it('is told the digest by the lock, which records what it assembles to, and takes the published base before it assembles', async () => {
    const lockFile = join(site.baseDir, 'base.lock.json');
    const unrecorded = await readFile(lockFile, 'utf8');
    await site.update(true);
    const recorded = await readFile(lockFile, 'utf8');
    expect(JSON.parse(recorded)).toMatchObject({ image: { index: built.index, platforms: built.platforms } });
    // What it records is no part of what it locks.
    expect({ ...JSON.parse(recorded), image: undefined }).toEqual({ ...JSON.parse(unrecorded), image: undefined });
    expect((await site.update(true)).written).toBe(false);

    const bare = { root: site.root, name: 'base-node', baseDir: site.baseDir, progress: () => undefined, signal: new AbortController().signal };
    const known = () => knownBase({ ...bare, ...withoutApt });
    expect(await known()).toEqual({ index: built.index, published: null });
    await publish(`ghcr.io/pinlane/base-node@${built.index}`);
    expect(await known()).toEqual({ index: built.index, published: `ghcr.io/pinlane/base-node@${built.index}` });
    expect(await elsewhere.names()).toEqual(new Map());
    await site.forget();
    site.said.length = 0;
    const { env: _, ...withApt } = withoutApt;
    expect(await site.build(withApt)).toMatchObject({ index: built.index, pushed: true });
    expect([opened, site.said.filter((line) => line.includes('fetching'))]).toEqual([['ghcr.io/pinlane/base-node'], []]);
  });

  it('is given the base by assembling if the registry of the published one does not answer, and the lock’s record is held to what comes out', async () => {
    await site.update(true);
    await publish(`ghcr.io/pinlane/base-node@${built.index}`);
    const openRegistry = () => openStore(join(site.folder, 'an empty registry'));
    expect(await site.build({ store: elsewhere, openRegistry })).toMatchObject({ index: built.index, pushed: false });
    const lockFile = join(site.baseDir, 'base.lock.json');
    const text = await readFile(lockFile, 'utf8');
    for (const digest of [built.index, built.platforms.arm64!]) {
      await writeFile(lockFile, text.replace(digest, `sha256:${'e'.repeat(64)}`));
      const refusal = {
        code: 'ERR_BASE_LOCK_INVALID',
        message: expect.stringMatching(`records sha256:e{64} for (the index|arm64), and what it locks assembles to ${digest}`),
      };
      await expect(site.build({ store: elsewhere, noCache: true })).rejects.toMatchObject(refusal);
    }
  });

  it('refuses a published base that was made of another lock', async () => {
    await publish(`ghcr.io/pinlane/base-node@${built.index}`);
    const file = join(site.baseDir, 'base.lock.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll('2.0-1+b1', '2.0-2'));
    await expect(site.build(withoutApt)).rejects.toMatchObject({ code: 'ERR_BASE_UNAVAILABLE', message: expect.stringContaining(built.fingerprint) });
    expect(await elsewhere.names()).toEqual(new Map());
  });

  it('refuses a published base that is another one than the lock records, whatever its labels say', async () => {
    await site.update(true);
    await publish(`ghcr.io/pinlane/base-node@sha256:${'e'.repeat(64)}`);
    const refusal = {
      code: 'ERR_BASE_UNAVAILABLE',
      message: expect.stringMatching(`no apt.*names ghcr.io/pinlane/base-node@sha256:e{64}.*records ${built.index}`),
    };
    await expect(site.build(withoutApt)).rejects.toMatchObject(refusal);
    expect(opened).toEqual([]);
  });

  it('takes the image that PINLANE_BASE_IMAGE names, also where there is apt and whatever the lock says', async () => {
    const image = await site.build({ ...withoutApt, env: { ...site.env, PINLANE_BASE_IMAGE: `registry.example/team/base@${built.index}` } });
    expect(opened).toEqual(['registry.example/team/base']);
    expect(image).toMatchObject({ repository: 'registry.example/team/base', index: built.index, fingerprint: built.fingerprint });
  });

  it('refuses a PINLANE_BASE_IMAGE without a digest', async () => {
    const env = { ...site.env, PINLANE_BASE_IMAGE: 'node:24-bookworm-slim' };
    await expect(site.build({ ...withoutApt, env })).rejects.toMatchObject({ code: 'ERR_REFERENCE_INVALID' });
  });

  it('refuses one platform where both are needed', async () => {
    const env = { ...site.env, PINLANE_BASE_IMAGE: `registry.example/team/base@${built.platforms.amd64}` };
    await expect(site.build({ ...withoutApt, env })).rejects.toMatchObject({ code: 'ERR_PLATFORM_MISSING' });
  });

  it('refuses an image of which a byte was altered on the way', async () => {
    await publish(`ghcr.io/pinlane/base-node@${built.index}`);
    const { bytes } = await site.store.readManifest(built.platforms.arm64!);
    const { layers } = JSON.parse(Buffer.from(bytes).toString()) as { layers: { digest: typeof built.index }[] };
    await appendFile(site.store.blobPath(layers[0]!.digest), 'x');
    await expect(site.build(withoutApt)).rejects.toMatchObject({ code: expect.stringMatching(/ERR_STORE_CORRUPT|ERR_DIGEST_MISMATCH/) });
    expect(await elsewhere.names()).toEqual(new Map());
  });
});
