import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isPinlaneError, parseRepository, type BuiltImage } from '@pinlane/contracts';
import { describe as describeBytes, OCI_INDEX, OCI_MANIFEST, openRepository, openStore, sha256, type Descriptor } from '@pinlane/oci';
import { chunksOf, putImage, startRegistry, type FaultRule, type TestRegistry } from '@pinlane/testing';
import { verb } from '../../src/verbs/pin/verb.ts';
import { contextOf, run as runVerb, withFiles } from './support/verb-context.ts';
import { joined, labelsOf, makeImage, makePlatform } from './support/images.ts';
import { contentsOf, empty, unnamed } from './support/registry-state.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const FILE = 'processors/acme-one/registry.yaml';
const FILES = {
  [FILE]: 'ref: acme/one@1\n',
  'processors/acme-one/Dockerfile': 'FROM scratch\nCOPY name.txt /name.txt\n',
  'processors/acme-one/name.txt': 'one\n',
};

/** Pins as the command would; the outcome, or the code that it failed with. */
const run = async (root: string, options: Record<string, unknown>, env: Record<string, string> = {}) => {
  const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', env: { PINLANE_REGISTRY: `${registry.host}/acme`, ...env } });
  try {
    const { exitCode, lines } = await runVerb(verb, options, context);
    return { exitCode, code: null, text: lines.join('\n') };
  } catch (thrown) {
    if (!isPinlaneError(thrown)) throw thrown;
    return { exitCode: thrown.exitCode, code: thrown.code as string, text: thrown.message };
  }
};

const STAGING = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true' };
const read = (root: string) => readFile(join(root, FILE), 'utf8');
const open = () => openRepository(parseRepository(`${registry.host}/acme/acme-one`));
const writes = () => registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
const digestsIn = (text: string): string[] => text.match(/sha256:[0-9a-f]{64}/g) ?? [];

describe('pin in a registry', () => {
  it('tells with --dry-run the names it would write, and pushes nothing', async () => {
    await withFiles(FILES, async (root) => {
      const { exitCode, text } = await run(root, { dryRun: true }, STAGING);
      expect({ exitCode, pins: text.match(new RegExp(`^\\+.*${registry.host}/acme/acme-one@sha256:`, 'gm'))?.length }).toEqual({ exitCode: 0, pins: 3 });
      expect([await read(root), registry.requests, text.includes('store.localhost')]).toEqual([FILES[FILE], [], false]);
      // What it told is what is written when it is meant.
      const told = digestsIn(text);
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      expect(digestsIn(await read(root)).slice(0, 3)).toEqual(expect.arrayContaining(told.slice(0, 3)));
    });
  });

  it('lets the registry take the layers of the base from the repository where they are', async () => {
    const base = makeImage('base');
    await putImage(openRepository(parseRepository(`${registry.host}/acme/base`)), base);
    const dockerfile = `FROM ${registry.host}/acme/base@${base.index.descriptor.digest}\nCOPY name.txt /name.txt\n`;
    await withFiles({ ...FILES, 'processors/acme-one/Dockerfile': dockerfile }, async (root) => {
      registry.requests.length = 0;
      // All repositories of this registry share their blobs, and a HEAD would find them.
      registry.faults.push({
        when: ({ method, url }) => method === 'HEAD' && url.includes(base.amd64.layers[0]!.descriptor.digest),
        times: 1,
        fault: { kind: 'answer', status: 404 },
      });
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      const mounted = registry.requests.filter(({ method, url }) => method === 'POST' && url.includes('from=acme%2Fbase'));
      expect(mounted.map(({ url }) => decodeURIComponent(url))).toContainEqual(expect.stringContaining(`mount=${base.amd64.layers[0]!.descriptor.digest}`));
      expect(
        registry.requests.filter(({ method, url }) => method === 'PUT' && decodeURIComponent(url).includes(base.amd64.layers[0]!.descriptor.digest)),
      ).toEqual([]);
    });
  });

  it('goes on trying to name what an earlier push left, and after a day says what that was and lets it be', async () => {
    const begun = (daysAgo: number) => {
      const push = { repository: `${registry.host}/acme/gone`, index: `sha256:${'a'.repeat(64)}`, manifests: [`sha256:${'a'.repeat(64)}`], state: 'pushing' };
      const startedAt = new Date(Date.now() - daysAgo * 24 * 60 * 60 * 1000 - 1000).toISOString();
      return JSON.stringify({ kind: 'PushJournal', schemaVersion: 1, name: 'acme-one', pushes: [{ ...push, startedAt }] });
    };
    const journal = '.pinlane/journal/acme-one.json';
    for (const [daysAgo, stays] of [
      [0, true],
      [1, false],
    ] as const) {
      empty(registry);
      await withFiles({ ...FILES, [journal]: begun(daysAgo) }, async (root) => {
        registry.faults.push({ when: ({ url }) => url.includes('/acme/gone/'), fault: { kind: 'answer', status: 403 } });
        const env = { PINLANE_REGISTRY: `${registry.host}/acme`, ...STAGING };
        const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', env });
        expect((await runVerb(verb, {}, context)).exitCode).toBe(0);
        expect(context.notes.join('\n')).toMatch(stays ? /acme\/gone was broken off, and what it left can't be named now/ : /its manifests are sha256:a{64}/);
        expect(await readFile(join(root, journal), 'utf8').catch(() => null)).toEqual(stays ? expect.stringContaining('acme/gone') : null);
      });
    }
  });

  it('looks at what a record or a journal says is pushed, and brings what is gone; only right after the build it believes a push that ended', async () => {
    await withFiles(FILES, async (root) => {
      const path = join(root, '.pinlane/builds/acme-one.json');
      const pinAfter = async (afterBuild: boolean, state?: string) => {
        if (state !== undefined) {
          const { index, platforms } = JSON.parse(await readFile(path, 'utf8')) as BuiltImage;
          const entry = {
            repository: `${registry.host}/acme/acme-one`,
            index,
            manifests: [...Object.values(platforms), index],
            startedAt: new Date().toISOString(),
          };
          const journal = { kind: 'PushJournal', schemaVersion: 1, name: 'acme-one', pushes: [{ ...entry, state }] };
          await mkdir(join(root, '.pinlane/journal'), { recursive: true });
          await writeFile(join(root, '.pinlane/journal/acme-one.json'), JSON.stringify(journal));
        }
        const env = { PINLANE_REGISTRY: `${registry.host}/acme`, ...STAGING };
        const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', afterBuild, env });
        expect((await runVerb(verb, {}, context)).exitCode).toBe(0);
      };
      await pinAfter(true);
      const whole = [...registry.manifests.keys()].sort();
      const tag = whole.find((name) => name.includes(':pin-'))!;
      const layers = [...registry.blobs.keys()];

      for (const [afterBuild, state] of [[false], [false, 'pushed'], [true, 'pushing']] as const) {
        for (const name of [tag, whole.find((each) => each.includes('@'))!]) {
          registry.manifests.delete(name);
          await pinAfter(afterBuild, state);
          expect([...registry.manifests.keys()].sort()).toEqual(whole);
        }
        for (const layer of layers) registry.blobs.delete(layer);
        await pinAfter(afterBuild, state);
        expect([...registry.blobs.keys()].sort()).toEqual([...layers].sort());
      }
      // Whoever may push may move a tag.
      const other = whole.find((name) => name.includes('@') && !name.includes(tag.split(':pin-')[1]!))!;
      registry.manifests.set(tag, registry.manifests.get(other)!);
      expect(unnamed(registry)).toHaveLength(1);
      await pinAfter(false);
      expect(unnamed(registry)).toEqual([]);
      registry.manifests.delete(tag);
      await pinAfter(true, 'pushed');
      expect(registry.manifests.has(tag)).toBe(false);
    });
  });

  it('asks for the right to push before it asks what is there, because there may be no such repository yet', async () => {
    const guarded = await startRegistry({ auth: { scheme: 'bearer' } });
    try {
      await withFiles(FILES, async (root) => {
        expect((await run(root, {}, { ...STAGING, PINLANE_REGISTRY: `${guarded.host}/acme` })).exitCode).toBe(0);
        const written = guarded.requests.findLastIndex(({ method }) => method === 'PUT');
        const asked = guarded.requests.slice(0, written).filter(({ url }) => url.startsWith('/token'));
        expect(asked.length).toBeGreaterThan(0);
        for (const { url } of asked) expect(decodeURIComponent(url)).toContain('acme/acme-one:pull,push');
      });
    } finally {
      await guarded.close();
    }
  });

  it('composes an index for the platform that is pinned and the one that is kept, reads it back and names it; only in a lane that pushes', async () => {
    await withFiles(FILES, async (root) => {
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      const before = await read(root);
      const next = makeImage('acme-one', 'next');
      await putImage(open(), next);
      const digest = `${registry.host}/acme/acme-one@${next.index.descriptor.digest}`;
      const untouched = contentsOf(registry);

      expect(await run(root, { digest, platforms: 'linux/arm64' })).toMatchObject({ exitCode: 1, code: 'ERR_LANE_FORBIDS' });
      expect((await run(root, { digest, platforms: 'linux/arm64', dryRun: true })).exitCode).toBe(0);
      expect([await read(root), contentsOf(registry)]).toEqual([before, untouched]);

      expect((await run(root, { digest, platforms: 'linux/arm64' }, STAGING)).exitCode).toBe(0);
      const [amd64, arm64, index] = digestsIn(await read(root));
      expect([amd64, arm64]).toEqual([digestsIn(before)[0], next.arm64.descriptor.digest]);
      expect(unnamed(registry).filter((name) => name.endsWith(index as string))).toEqual([]);
      expect((await open().resolve(index as string)).mediaType).toBe(OCI_INDEX);
    });
  });

  it('pins no composed index that the registry took and did not keep', async () => {
    await withFiles(FILES, async (root) => {
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      const before = await read(root);
      const next = makeImage('acme-one', 'next');
      await putImage(open(), next);
      registry.faults.push({ when: ({ method, url }) => method === 'PUT' && url.includes('/manifests/pin-'), fault: { kind: 'answer', status: 201 } });
      const digest = `${registry.host}/acme/acme-one@${next.index.descriptor.digest}`;
      expect(await run(root, { digest, platforms: 'linux/arm64' }, STAGING)).toMatchObject({ exitCode: 1, code: 'ERR_MANIFEST_UNKNOWN' });
      expect(await read(root)).toBe(before);
    });
  });

  it('claims no source for platforms that say they were built from two', async () => {
    await withFiles(FILES, async (root) => {
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      expect(await read(root)).toMatch(/fingerprint: sha256:/);
      const platform = (architecture: 'amd64' | 'arm64') => makePlatform(architecture, labelsOf('acme-one', sha256(architecture)));
      const mixed = joined(platform('amd64'), platform('arm64'));
      await putImage(open(), mixed);
      expect((await run(root, { digest: `${registry.host}/acme/acme-one@${mixed.index.descriptor.digest}` }, STAGING)).exitCode).toBe(0);
      expect(await read(root)).toMatch(/fingerprint: null/);
    });
  });

  it('composes an index of its own where the one that is named also lists what nobody verified', async () => {
    await withFiles(FILES, async (root) => {
      const next = makeImage('acme-one', 'next');
      const { manifests, ...rest } = JSON.parse(Buffer.from(next.index.bytes).toString()) as { manifests: Descriptor[] };
      const other = { ...next.amd64.descriptor, platform: { os: 'windows', architecture: 'amd64' } };
      const bytes = Buffer.from(JSON.stringify({ ...rest, manifests: [...manifests, other] }));
      const index = { bytes, descriptor: describeBytes(OCI_INDEX, bytes) };
      await putImage(open(), { ...next, index });
      expect((await run(root, { digest: `${registry.host}/acme/acme-one@${index.descriptor.digest}` }, STAGING)).exitCode).toBe(0);
      expect(digestsIn(await read(root)).slice(0, 3)).toEqual([next.amd64, next.arm64, next.index].map(({ descriptor }) => descriptor.digest));
    });
  });

  it('pins no image of the local store in a lane that pins published ones', async () => {
    await withFiles(FILES, async (root) => {
      expect(await run(root, {}, { PINLANE_LANE: 'staging' })).toMatchObject({ exitCode: 1, code: 'ERR_PIN_LOCAL' });
      expect(await read(root)).toBe(FILES[FILE]);
    });
  });

  it('writes nothing in a lane that writes no pins, whatever image is named', async () => {
    await withFiles(FILES, async (root) => {
      const old = makeImage('acme-one', 'old');
      await putImage(open(), old);
      const digest = `${registry.host}/acme/acme-one@${old.index.descriptor.digest}`;
      for (const PINLANE_LANE of ['pr', 'dev', 'main'])
        expect(await run(root, { digest }, { PINLANE_LANE })).toMatchObject({ exitCode: 1, code: 'ERR_LANE_FORBIDS' });
      expect(await read(root)).toBe(FILES[FILE]);
    });
  });

  it('keeps no pin of another repository beside an image that is named, because no index holds both', async () => {
    await withFiles(FILES, async (root) => {
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      const before = await read(root);
      const next = makeImage('acme-one', 'next');
      const elsewhere = `${registry.host}/acme/elsewhere`;
      await putImage(openRepository(parseRepository(elsewhere)), next);
      const digest = `${elsewhere}@${next.index.descriptor.digest}`;
      expect(await run(root, { digest, platforms: 'linux/arm64' }, STAGING)).toMatchObject({ exitCode: 1, code: 'ERR_PIN_UNVERIFIED' });
      expect(await read(root)).toBe(before);
    });
  });

  it('rolls back to an image that is named, without writing to the registry, and checks it like any pin', async () => {
    await withFiles(FILES, async (root) => {
      const old = makeImage('acme-one', 'old');
      await putImage(open(), old);
      registry.requests.length = 0;
      const digest = (at: string) => ({ digest: `${registry.host}/acme/acme-one@${at}` });
      expect((await run(root, digest(old.index.descriptor.digest), { PINLANE_LANE: 'staging' })).exitCode).toBe(0);
      expect(digestsIn(await read(root)).slice(0, 3)).toEqual([old.amd64, old.arm64, old.index].map(({ descriptor }) => descriptor.digest));
      expect(writes()).toEqual([]);
      const pinned = await read(root);
      for (const [spoilt, code] of [
        [old.amd64.layers[0]!.descriptor.digest, 'ERR_BLOB_UNKNOWN'],
        [old.arm64.config.descriptor.digest, 'ERR_BLOB_UNKNOWN'],
      ] as const) {
        const bytes = registry.blobs.get(spoilt)!;
        registry.blobs.delete(spoilt);
        expect(await run(root, digest(old.index.descriptor.digest))).toMatchObject({ exitCode: 1, code });
        registry.blobs.set(spoilt, bytes);
      }
      const stranger = makeImage('acme-two');
      await putImage(open(), stranger);
      expect(await run(root, digest(stranger.index.descriptor.digest))).toMatchObject({ exitCode: 1, code: 'ERR_PIN_UNVERIFIED' });
      expect(await read(root)).toBe(pinned);
    });
  });

  it('says why a digest changed although the fingerprint did not', async () => {
    await withFiles(FILES, async (root) => {
      const labels = labelsOf('acme-one', sha256(Buffer.from('same')));
      const image = (mark: string) => joined(makePlatform('amd64', labels, mark), makePlatform('arm64', labels));
      const [before, after] = [image(''), image('touched')];
      for (const parts of [before, after]) await putImage(open(), parts);
      const pinned = (parts: typeof before) => run(root, { digest: `${registry.host}/acme/acme-one@${parts.index.descriptor.digest}` });
      expect((await pinned(before)).text).not.toContain('source unchanged');
      const { exitCode, text } = await pinned(after);
      expect([exitCode, text.match(/^ +- .*/gm)]).toEqual([
        0,
        ['  - linux/amd64 changed, source unchanged: timestamps: 1 layer holds other bytes for the same source: times of files, or what RUN made'],
      ]);
      registry.manifests.delete(`acme/acme-one@${after.amd64.descriptor.digest}`);
      expect((await pinned(before)).text).toContain('linux/amd64 changed, source unchanged: unknown: the image that was pinned can not be read any more');
    });
  });

  it('pushes and pins an image whose index also lists attestations, which are named like all that was pushed', async () => {
    await withFiles(FILES, async (root) => {
      expect((await run(root, {}, STAGING)).exitCode).toBe(0);
      empty(registry);
      // As BuildKit leaves it: for each platform an attestation beside it, for no platform.
      const store = openStore(join(root, '.pinlane/store'));
      const path = join(root, '.pinlane/builds/acme-one.json');
      const record = JSON.parse(await readFile(path, 'utf8')) as BuiltImage;
      const { bytes } = await store.readManifest(record.index);
      const document = JSON.parse(Buffer.from(bytes).toString()) as { manifests: Descriptor[] };
      for (const { digest } of [...document.manifests]) {
        const statement = makePlatform('amd64', {}, digest);
        for (const { descriptor, bytes: blob } of [statement.config, ...statement.layers]) await store.putBlob(descriptor, () => chunksOf(blob));
        const manifest = Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: OCI_MANIFEST,
            config: statement.config.descriptor,
            layers: [{ ...statement.layers[0]!.descriptor, mediaType: 'application/vnd.in-toto+json' }],
          }),
        );
        const descriptor = describeBytes(OCI_MANIFEST, manifest);
        await store.putManifest(descriptor, manifest);
        const annotations = { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest };
        document.manifests.push({ ...descriptor, platform: { os: 'unknown', architecture: 'unknown' }, annotations });
      }
      const index = Buffer.from(JSON.stringify(document));
      const descriptor = describeBytes(OCI_INDEX, index);
      await store.putManifest(descriptor, index);
      await writeFile(path, JSON.stringify({ ...record, index: descriptor.digest, pushed: false, repository: 'store.localhost/acme-one' }));

      expect(await run(root, {}, STAGING)).toMatchObject({ exitCode: 0, code: null });
      expect(digestsIn(await read(root)).slice(0, 3)).toEqual([record.platforms.amd64, record.platforms.arm64, descriptor.digest]);
      expect([...registry.manifests.keys()].filter((name) => name.includes('@'))).toHaveLength(5);
      expect(unnamed(registry)).toEqual([]);
      expect((await run(root, { check: true }, STAGING)).exitCode).toBe(0);
    });
  });
});

describe('a pin', () => {
  const isManifest = (method: string) => (request: { method: string; url: string }) => request.method === method && request.url.includes('/manifests/');
  const FAULTS: [string, FaultRule, string][] = [
    ['every write of a manifest is denied', { when: isManifest('PUT'), fault: { kind: 'answer', status: 403 } }, 'ERR_REGISTRY_DENIED'],
    ['manifests are taken and not kept', { when: isManifest('PUT'), fault: { kind: 'answer', status: 201 } }, 'ERR_MANIFEST_UNKNOWN'],
    [
      'what is read back is another manifest',
      { when: isManifest('GET'), fault: { kind: 'answer', status: 200, body: '{"schemaVersion":2}' } },
      'ERR_DIGEST_MISMATCH',
    ],
    [
      'what is read back is longer than any manifest',
      { when: isManifest('GET'), fault: { kind: 'answer', status: 200, body: Buffer.alloc(5_000_000, ' ') } },
      'ERR_MANIFEST_INVALID',
    ],
    ['what is read back never ends whole', { when: isManifest('GET'), fault: { kind: 'truncate', bytes: 10 } }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['blobs are said to be there and are not', { when: ({ method }) => method === 'HEAD', fault: { kind: 'answer', status: 200 } }, 'ERR_BLOB_UNKNOWN'],
    [
      'a config is another',
      { when: ({ method, url }) => method === 'GET' && url.includes('/blobs/'), fault: { kind: 'answer', status: 200, body: '{}' } },
      'ERR_DIGEST_MISMATCH',
    ],
    ['the registry is down', { when: () => true, fault: { kind: 'answer', status: 503 } }, 'ERR_REGISTRY_UNAVAILABLE'],
    ['the registry wants credentials', { when: () => true, fault: { kind: 'answer', status: 401 } }, 'ERR_REGISTRY_AUTH'],
  ];
  it.each(FAULTS)(
    'is not written where %s, and is when that is over',
    async (_, rule, code) => {
      await withFiles(FILES, async (root) => {
        registry.faults.push(rule);
        expect(await run(root, {}, STAGING)).toMatchObject({ exitCode: 1, code });
        expect(await read(root)).toBe(FILES[FILE]);
        registry.faults.length = 0;
        expect(await run(root, {}, STAGING)).toMatchObject({ exitCode: 0 });
        expect(await run(root, { check: true }, STAGING)).toMatchObject({ exitCode: 0 });
        expect(unnamed(registry)).toEqual([]);
      });
    },
    60_000,
  );
});
