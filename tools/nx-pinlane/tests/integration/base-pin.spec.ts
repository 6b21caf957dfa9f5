import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isPinlaneError, type BasePin } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { putImage, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import type { Verb } from '../../src/command/verb.ts';
import { verb as base } from '../../src/verbs/base/verb.ts';
import { verb as basePin } from '../../src/verbs/base-pin/verb.ts';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { joined, labelsOf, makePlatform, type ProcessorImage } from './support/images.ts';
import { contentsOf, empty, unnamed } from './support/registry-state.ts';
import { contextOf, run as runVerb, withFiles } from './support/verb-context.ts';

const REPOSITORY = join(import.meta.dirname, '../../../..');
const { ASSEMBLY_FORMAT, lockFingerprint, parseLock } = await import('@pinlane/base-node');

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const FOLDER = 'libs/own-base';
const FILE = `${FOLDER}/base.yaml`;
const LOCK = `${FOLDER}/base.lock.json`;

// What the base of this lock is made of is nothing to these tests, and no test may need apt: it is an image of the same claims.
const lock = parseLock(readFileSync(join(REPOSITORY, 'libs/base-node/base.lock.json'), 'utf8'));
const fingerprint = lockFingerprint(lock);
const made = (claim = fingerprint): ProcessorImage => {
  const labels = labelsOf('own-base', claim);
  return joined(makePlatform('amd64', labels), makePlatform('arm64', labels, 'arm'));
};
const lockOf = ({ index, amd64, arm64 }: ProcessorImage): string =>
  JSON.stringify({
    ...lock,
    image: { format: ASSEMBLY_FORMAT, index: index.descriptor.digest, platforms: { amd64: amd64.descriptor.digest, arm64: arm64.descriptor.digest } },
  });
const BASE = made();
const INDEX = BASE.index.descriptor.digest;
const YAML = readFileSync(join(REPOSITORY, 'libs/base-node/base.yaml'), 'utf8').replace(/^published:.*\n/m, '');
const FILES = {
  [FILE]: YAML,
  [LOCK]: lockOf(BASE),
  'processors/acme-one/registry.yaml': 'ref: acme/one@1\n',
  'processors/acme-one/Dockerfile': 'FROM store.localhost/own-base\nCOPY name.txt /name.txt\n',
  'processors/acme-one/name.txt': 'one\n',
};
const published = () => `${registry.host}/acme/own-base@${INDEX}`;

interface Result {
  readonly code: string | null;
  readonly exitCode: number;
  readonly text: string;
  readonly document: BasePin | null;
}

/** Runs a verb on a machine without apt and npm. */
const run = async (
  root: string,
  verb: Verb,
  options: Record<string, unknown> = {},
  env: Record<string, string> = {},
  signal = new AbortController().signal,
): Promise<Result> => {
  const [project, projectRoot] = verb === pin ? ['acme-one', 'processors/acme-one'] : ['own-base', FOLDER];
  const rootOf = async (name: string) => (name === 'own-base' ? FOLDER : null);
  const PATH = temporaryFolder('no programs');
  const context = contextOf(root, {
    project,
    projectRoot,
    rootOf,
    env: { PATH, PINLANE_LANE: 'staging', PINLANE_REGISTRY: `${registry.host}/acme`, ...env },
    signal,
  });
  try {
    const { lines, document, exitCode } = await runVerb(verb, options, context);
    return { code: null, exitCode, text: [...lines, ...context.notes].join('\n'), document: document as BasePin };
  } catch (thrown) {
    if (!isPinlaneError(thrown)) throw thrown;
    return { code: thrown.code, exitCode: thrown.exitCode, text: thrown.message, document: null };
  }
};

/** A workspace whose store has the base, as a machine that assembled it has. */
const withBase = (work: (root: string) => Promise<void>, files: Readonly<Record<string, string>> = FILES): Promise<void> =>
  withFiles(files, async (root) => {
    await putImage(openStore(join(root, '.pinlane/store')), BASE);
    await work(root);
  });
const read = (root: string): Promise<string> => readFile(join(root, FILE), 'utf8');
/** Manifests of the base without their protecting tag. Lists of files have a tag of their own. */
const unprotected = () =>
  [BASE.index, ...BASE.platforms].map(({ descriptor }) => `acme/own-base@${descriptor.digest}`).filter((name) => unnamed(registry).includes(name));
const PUSH = { push: true };
const layersRead = () =>
  registry.requests.filter(({ method, url }) => method === 'GET' && BASE.platforms.some(({ layers }) => url.endsWith(layers[0]!.descriptor.digest)));
const writes = () => registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');

describe('The pin of a base', () => {
  it('pushes the base with protecting tags and lists of its files, and writes where it is and no other byte', async () => {
    await withBase(async (root) => {
      const first = await run(root, basePin, PUSH);
      expect(first).toMatchObject({ code: null, exitCode: 0, document: { outcome: 'pinned', before: null, after: published(), index: INDEX } });
      expect(await read(root)).toBe(YAML.replace('  cmd: [node]\n', `  cmd: [node]\npublished: ${published()}\n`));
      expect(unprotected()).toEqual([]);
      for (const { descriptor } of BASE.platforms)
        for (const tag of ['pin', 'files']) expect([...registry.manifests.keys()]).toContain(`acme/own-base:${tag}-${descriptor.digest.slice(7, 19)}`);
      const [text, contents] = [await read(root), contentsOf(registry)];
      registry.requests.length = 0;
      expect(await run(root, basePin, PUSH)).toMatchObject({ code: null, document: { outcome: 'unchanged', before: published() } });
      expect([await read(root), contentsOf(registry), writes(), layersRead()]).toEqual([text, contents, [], []]);
      expect(existsSync(join(root, '.pinlane/journal/own-base.json'))).toBe(false);
    });
  });

  it('reads manifests and configs alone where the registry has the base, on a machine that has nothing, and gives back tags that were lost', async () => {
    await withBase(async (root) => {
      await run(root, basePin, PUSH);
      for (const name of registry.manifests.keys()) if (name.includes(':pin-')) registry.manifests.delete(name);
    });
    registry.requests.length = 0;
    await withFiles(FILES, async (root) => {
      expect(await run(root, basePin, PUSH)).toMatchObject({ code: null, document: { outcome: 'pinned', after: published() } });
      expect(layersRead()).toEqual([]);
      expect(existsSync(join(root, '.pinlane/store/blobs'))).toBe(false);
      expect([...registry.manifests.keys()].filter((name) => name.includes('own-base:pin-'))).toHaveLength(3);
    });
  });

  it('lets a machine without base, store, apt and npm pin a processor on it without a byte of its layers, and check it', async () => {
    let text = '';
    await withBase(async (root) => {
      await run(root, basePin, PUSH);
      text = await read(root);
    });
    registry.requests.length = 0;
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      expect(await run(root, pin, PUSH)).toMatchObject({ code: null, exitCode: 0 });
      expect(layersRead()).toEqual([]);
      expect(await run(root, pin, { check: true })).toMatchObject({ code: null, exitCode: 0 });
      expect(await run(root, basePin, { check: true })).toMatchObject({ code: null, exitCode: 0, document: { outcome: 'current' } });
      await rm(join(root, '.pinlane'), { recursive: true });
      expect(await run(root, pin, { check: true }, { PINLANE_LANE: 'main' })).toMatchObject({ code: null, exitCode: 0 });
      // Without the published base nothing could be built here.
      await writeFile(join(root, FILE), YAML);
      await writeFile(join(root, 'processors/acme-one/name.txt'), 'two\n');
      expect(await run(root, pin, PUSH)).toMatchObject({ code: 'ERR_BASE_UNAVAILABLE' });
    });
  });

  it.each([
    ['lane local', {}, { PINLANE_LANE: 'local' }, null, "the lock's"],
    ['staging without a push', {}, {}, null, "the lock's"],
    ['a base that stands in its place', PUSH, { PINLANE_BASE_IMAGE: `ghcr.io/a/b@${INDEX}` }, null, 'PINLANE_BASE_IMAGE'],
    ['--dry-run', { ...PUSH, dryRun: true }, {}, null, 'would-pin'],
    ['lane pr', PUSH, { PINLANE_LANE: 'pr' }, 'ERR_LANE_FORBIDS', 'lane pr'],
    ['lane main', {}, { PINLANE_LANE: 'main' }, 'ERR_LANE_FORBIDS', 'lane main'],
    ['a push in lane local', PUSH, { PINLANE_LANE: 'local' }, 'ERR_LANE_FORBIDS', 'pushes nothing'],
  ])('writes and pushes nothing in %s', async (_, options, env, code, said) => {
    await withBase(async (root) => {
      expect(await run(root, basePin, options, env)).toMatchObject({ code, text: expect.stringContaining(said) });
      expect([await read(root), registry.requests]).toEqual([YAML, []]);
    });
  });

  it.each([
    ['base.yaml', FILE, 'ERR_BASE_DEFINITION_INVALID'],
    ['the lock', LOCK, 'ERR_BASE_LOCK_INVALID'],
  ])('pushes nothing where %s is not UTF-8', async (_, file, code) => {
    await withBase(async (root) => {
      const bytes = Buffer.concat([Buffer.from('# caf'), Buffer.from([0xe9]), Buffer.from('\n'), await readFile(join(root, file))]);
      await writeFile(join(root, file), bytes);
      for (const verb of [basePin, base, pin])
        expect(await run(root, verb, verb === base ? {} : PUSH)).toMatchObject({ code, text: expect.stringContaining('is not UTF-8') });
      expect([registry.requests, (await readFile(join(root, file))).equals(bytes)]).toEqual([[], true]);
    });
  });

  it('and what is built of it have the name of its project', async () => {
    await withBase(async (root) => {
      const { code, document } = await run(root, base, {}, { PINLANE_LANE: 'local' });
      expect([code, document]).toEqual([null, expect.objectContaining({ name: 'own-base', repository: 'store.localhost/own-base', index: INDEX })]);
      expect([...(await openStore(join(root, '.pinlane/store')).names()).keys()]).toEqual(['own-base']);
      expect(existsSync(join(root, '.pinlane/builds/own-base.json'))).toBe(true);
    });
  });

  it.each([
    ['names nothing', YAML, {}, 2, 'names nothing'],
    ['names nothing, in lane local', YAML, { PINLANE_LANE: 'local' }, 0, 'current'],
    ['names another digest', `${YAML}published: REGISTRY/acme/own-base@sha256:${'e'.repeat(64)}\n`, {}, 2, 'the base of the lock is'],
    ['names another place than the registry asked for', `${YAML}published: ghcr.io/else/own-base@${INDEX}\n`, {}, 2, 'the base of the lock is'],
    ['names what is not there', `${YAML}published: REGISTRY/acme/own-base@${INDEX}\n`, {}, 2, 'is not there, or not whole'],
  ])('is checked, where base.yaml %s', async (_, text, env, exitCode, said) => {
    const file = text.replace('REGISTRY', registry.host);
    await withFiles({ ...FILES, [FILE]: file }, async (root) => {
      const result = await run(root, basePin, { check: true }, env as Record<string, string>);
      expect(result).toMatchObject({ code: null, exitCode, text: expect.stringContaining(said), document: { outcome: exitCode === 0 ? 'current' : 'stale' } });
      if (exitCode === 2) expect(result.text).toContain('ERR_PIN_STALE');
      expect(await read(root)).toBe(file);
    });
  });

  it.each([
    ['is no YAML', `${YAML}a: [\n`, 'ERR_BASE_DEFINITION_INVALID', /base\.yaml:\d+:\d+/],
    [
      'has two values for one key',
      `${YAML}published: ghcr.io/a/b@${INDEX}\npublished: ghcr.io/a/c@${INDEX}\n`,
      'ERR_BASE_DEFINITION_INVALID',
      /base\.yaml:\d+:1/,
    ],
    ['names a tag', `${YAML}published: ghcr.io/a/b:latest\n`, 'ERR_BASE_DEFINITION_INVALID', /base\.yaml:\d+:\d+/],
    ['asks for what is not locked', YAML.replace('- tzdata', '- tzdata\n  - less'), 'ERR_BASE_LOCK_INVALID', /base\.lock\.json/],
  ])('refuses a base.yaml that %s, and neither pushes nor writes', async (_, text, code, place) => {
    await withBase(
      async (root) => {
        expect(await run(root, basePin, PUSH)).toMatchObject({ code, text: expect.stringMatching(place) });
        expect([await read(root), registry.requests]).toEqual([text, []]);
      },
      { ...FILES, [FILE]: text },
    );
  });

  it('keeps quotes, comments, line ends and order, whatever base.yaml looks like', async () => {
    const old = `ghcr.io/old/own-base@sha256:${'e'.repeat(64)}`;
    const cases: readonly (readonly [string, string])[] = [
      [`published: '${old}' # there\n${YAML}`, `published: '${published()}' # there\n${YAML}`],
      [`${YAML}published: "${old}"`, `${YAML}published: "${published()}"`],
      [`${YAML}published: ${old}\n`.replaceAll('\n', '\r\n'), `${YAML}published: ${published()}\n`.replaceAll('\n', '\r\n')],
    ];
    for (const [before, after] of cases)
      await withBase(
        async (root) => {
          expect(await run(root, basePin, PUSH)).toMatchObject({ code: null, document: { outcome: 'pinned', before: old } });
          expect(await read(root)).toBe(after);
        },
        { ...FILES, [FILE]: before },
      );
  });

  it.each([
    ['does not answer', 503, ['GET', 'HEAD', 'POST', 'PUT'], 'ERR_REGISTRY_UNAVAILABLE'],
    ['lets nobody push', 403, ['POST', 'PUT'], 'ERR_REGISTRY_DENIED'],
  ])(
    'writes nothing where the registry %s',
    async (_, status, methods, code) => {
      await withBase(async (root) => {
        registry.faults.push({ when: ({ method }) => methods.includes(method), fault: { kind: 'answer', status } });
        expect(await run(root, basePin, PUSH)).toMatchObject({ code });
        expect(await read(root)).toBe(YAML);
        // The next run finishes what was begun.
        registry.faults.length = 0;
        expect(await run(root, basePin, PUSH)).toMatchObject({ code: null, document: { outcome: 'pinned' } });
        expect(unprotected()).toEqual([]);
      });
    },
    120_000,
  );

  it.each([
    ['another platform digest than the index has', () => lockOf({ ...BASE, amd64: made(INDEX).amd64 }), BASE],
    ['an index whose images are of another lock', () => lockOf(made(INDEX)), made(INDEX)],
  ])('refuses a lock that records %s', async (_, text, image) => {
    await withFiles({ ...FILES, [LOCK]: text() }, async (root) => {
      await putImage(openStore(join(root, '.pinlane/store')), image);
      expect(await run(root, basePin, PUSH)).toMatchObject({ code: 'ERR_PIN_UNVERIFIED' });
      expect([await read(root), writes()]).toEqual([YAML, []]);
    });
  });

  it.each(['POST', 'PUT'])('writes nothing if it is interrupted at the first %s, and the next run pins', async (method) => {
    await withBase(async (root) => {
      const stop = new AbortController();
      registry.faults.push({ when: (request) => request.method === method && (stop.abort(), true), times: 1, fault: { kind: 'hang' } });
      await expect(run(root, basePin, PUSH, {}, stop.signal)).resolves.toMatchObject({ code: 'ERR_CANCELLED' });
      expect(await read(root)).toBe(YAML);
      registry.faults.length = 0;
      expect(await run(root, basePin, PUSH)).toMatchObject({ code: null, document: { outcome: 'pinned' } });
      expect(unprotected()).toEqual([]);
    });
  });

  it('has nothing to pin where the lock records no digest', async () => {
    await withFiles({ ...FILES, [LOCK]: JSON.stringify({ ...lock, image: undefined }) }, async (root) => {
      expect(await run(root, basePin, PUSH)).toMatchObject({ code: 'ERR_BASE_LOCK_INVALID', text: expect.stringContaining('<base>:update') });
    });
  });
});
