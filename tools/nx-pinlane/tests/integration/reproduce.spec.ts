import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { isPinlaneError, LANES, parseRepository, type PinReport } from '@pinlane/contracts';
import { openRepository, openStore } from '@pinlane/oci';
import { imageOf, layerOf, platformImage, putImage, startRegistry, type TestRegistry } from '@pinlane/testing';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { pinAltered, withContent, withFields, type Alteration } from './support/altered-image.ts';
import { contentsOf, empty } from './support/registry-state.ts';
import { contextOf, run as runVerb, withFiles } from './support/verb-context.ts';

const REPOSITORY = join(import.meta.dirname, '../../../..');

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const [FILE, FOLDER, PATH] = ['processors/acme-one/registry.yaml', 'processors/acme-one', 'acme/acme-one'];
// The plugin loads it only where a base is built.
const { lockFingerprint, parseLock } = await import('@pinlane/base-node');

const BASE = 'libs/base-node';
const FILES = {
  [FILE]: 'ref: acme/one@1 # the first\n',
  [`${FOLDER}/Dockerfile`]: [
    'FROM scratch',
    'ENV MODE=secret-mode PATH=/bin',
    'LABEL team=one',
    'COPY name.txt /app/name.txt',
    'COPY --chmod=755 run.sh other.txt /app/bin/',
    'ENTRYPOINT ["/app/bin/run.sh"]\n',
  ].join('\n'),
  [`${FOLDER}/name.txt`]: 'one\n',
  [`${FOLDER}/run.sh`]: '#!/bin/sh\n',
  [`${FOLDER}/other.txt`]: 'other\n',
};

interface Result {
  /** The code of the error; null if there was none. */
  readonly code: string | null;
  readonly exitCode: number;
  readonly text: string;
  readonly report: PinReport | null;
}

/** Runs `pin` as a machine would that has the workspace and nothing else. */
const run = async (root: string, options: Record<string, unknown>, env: Record<string, string> = {}, signal?: AbortSignal): Promise<Result> => {
  const context = contextOf(root, {
    project: 'acme-one',
    projectRoot: FOLDER,
    env: { PINLANE_REGISTRY: `${registry.host}/acme`, ...env },
    rootOf: async (project) => (project === 'base-node' ? BASE : null),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const { lines, document, exitCode } = await runVerb(pin, options, context);
    return { code: null, exitCode, text: [...lines, ...context.notes].join('\n'), report: document as PinReport };
  } catch (thrown) {
    if (!isPinlaneError(thrown)) throw thrown;
    return { code: thrown.code, exitCode: thrown.exitCode, text: thrown.message, report: null };
  }
};

const reproduce = (root: string, env: Record<string, string> = {}, options: Record<string, unknown> = {}) => run(root, { reproduce: true, ...options }, env);

const STAGING = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true' };

/** Pins in staging, from another machine, and gives the file with pins. */
const pinnedElsewhere = async (files: Readonly<Record<string, string>> = FILES): Promise<string> => {
  let text = '';
  await withFiles(files, async (root) => {
    expect((await run(root, {}, STAGING)).code).toBeNull();
    text = await readFile(join(root, FILE), 'utf8');
  });
  registry.requests.length = 0;
  return text;
};

/** Every file below a folder with its content, as one text. */
const treeOf = (root: string): string =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`)
    .join('\n');

/** The layers that were read from the registry. */
const layersRead = (): string[] =>
  registry.requests
    .filter(({ method, url }) => method === 'GET' && url.includes('/blobs/'))
    .map(({ url }) => url.split('/').at(-1)!)
    .filter((digest) => registry.blobs.get(digest)?.[0] === 0x1f);

const differences = ({ report }: Result): string[] =>
  (report?.reproduction?.differences ?? []).map(({ platform, layer, path, message }) => `${platform} ${layer} ${path}: ${message}`);

describe('pin --reproduce', () => {
  it('proves on a machine that has nothing, in every lane, that a pinned image is what the source makes, and writes nothing', async () => {
    const text = await pinnedElsewhere();
    for (const lane of LANES)
      await withFiles({ ...FILES, [FILE]: text }, async (root) => {
        const [before, there] = [treeOf(root), contentsOf(registry)];
        registry.requests.length = 0;
        const result = await reproduce(root, { PINLANE_LANE: lane, PINLANE_PUSH: 'true' });
        expect([result.code, result.exitCode, result.report?.outcome, result.report?.reasons]).toEqual([null, 0, 'reproduced', []]);
        expect(result.text).toContain('acme/one@1  reproduced: the source makes what is pinned');
        // Nothing is read of a layer that is known to be the same.
        expect([layersRead(), registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')]).toEqual([[], []]);
        expect([treeOf(root), contentsOf(registry)]).toEqual([before, there]);
      });
  });

  it('builds anew whatever the store, the records and the registry say', async () => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      // The store says of itself that it has the image of this source, and has another one.
      const lying = pinAltered(registry, PATH, text, {
        layer: (entries) => entries.map((each) => (each.name === 'app/name.txt' ? withContent(each, 'two\n') : each)),
      });
      await writeFile(join(root, FILE), lying);
      expect((await run(root, {}, STAGING)).text).toContain('pins unchanged');
      expect((await run(root, { check: true }, STAGING)).report?.outcome).toBe('current');
      const before = treeOf(root);
      expect((await reproduce(root, STAGING)).report?.outcome).toBe('differs');
      expect(treeOf(root)).toBe(before);
    });
  });

  const at = (path: string, change: (entry: Parameters<typeof withFields>[0]) => Parameters<typeof withFields>[0]): Alteration => ({
    layer: (entries) => entries.map((entry) => (entry.name === path ? change(entry) : entry)),
  });
  const altered: readonly [string, Alteration, readonly RegExp[], number][] = [
    [
      'a content',
      at('app/name.txt', (entry) => withContent(entry, 'three\n')),
      [/^\S+ 1 app\/name\.txt: content: pinned 6 bytes, [0-9a-f]{12}, built 4 bytes, [0-9a-f]{12}$/],
      1,
    ],
    ['a mode', at('app/bin/run.sh', (entry) => withFields(entry, { mode: 0o4755 })), [/^\S+ 2 app\/bin\/run\.sh: mode: pinned 04755, built 0755$/], 1],
    ['a time', at('app/name.txt', (entry) => withFields(entry, { mtime: 86400 })), [/^\S+ 1 app\/name\.txt: time: pinned 86400, built 0$/], 1],
    ['an owner', at('app/name.txt', (entry) => withFields(entry, { uid: 7 })), [/^\S+ 1 app\/name\.txt: owner: pinned 7:0, built 0:0$/], 1],
    [
      'a link in place of a file',
      at('app/name.txt', (entry) => ({ ...withFields(entry, { type: '2', target: '/etc/x', size: 0 }), body: Buffer.alloc(0) })),
      [/app\/name\.txt: type: pinned symbolic link, built file; content: pinned none, built 4 bytes, [0-9a-f]{12}; target: pinned \/etc\/x, built none$/],
      1,
    ],
    [
      'a file that was added, with a hostile name',
      {
        layer: (entries, position) =>
          position === 0 ? [...entries, withFields(withContent(entries.at(-1)!, '!'), { name: 'a\u202ep\u001b[2J.txt' })] : entries,
      },
      [/^\S+ 1 a\\u\{202e\}p\\x1b\[2J\.txt: is in the pinned image alone: file, mode 0644, /],
      1,
    ],
    [
      'a file that is missing',
      { layer: (entries) => entries.filter(({ name }) => name !== 'app/bin/other.txt') },
      [/^\S+ 2 app\/bin\/other\.txt: is missing in the pinned image: file, /],
      1,
    ],
    [
      'another order',
      { layer: (entries, position) => (position === 1 ? entries.toReversed() : entries) },
      [/^\S+ 2 null: the same files in another order$/],
      1,
    ],
    ['another packing', { level: 0 }, [/^\S+ 1 null: the same files, packed otherwise: .*COPY name\.txt/, /^\S+ 2 null: the same files, packed otherwise/], 0],
    [
      'another config',
      {
        config: (config) => ({
          ...config,
          config: {
            ...(config['config'] as object),
            User: 'root',
            Env: ['PATH=/evil', 'EXTRA=secret-extra', 'MODE=secret-mode'],
            Entrypoint: ['/app/bin/other'],
          },
        }),
      },
      [
        /config: config\.Env: PATH has another value$/,
        /config: config\.Env: EXTRA is in the pinned image alone$/,
        /config: config\.Entrypoint: "\/app\/bin\/other" is in the pinned image alone$/,
        /config: config\.Entrypoint: "\/app\/bin\/run\.sh" is missing in the pinned image$/,
        /config: config\.User: "root" is in the pinned image alone$/,
      ],
      0,
    ],
    [
      'another history',
      { config: (config) => ({ ...config, history: [{ created_by: 'by hand' }, ...(config['history'] as object[]).slice(1)] }) },
      [/config: history\[0\]\.created_by: pinned "by hand", built "/],
      0,
    ],
    [
      'a config that is written otherwise',
      { config: (config) => Object.fromEntries(Object.entries(config).toReversed()) },
      [/null: the config says the same, written otherwise$/],
      0,
    ],
    [
      'a manifest with more in it',
      { manifest: (manifest) => ({ ...manifest, annotations: { note: 'x' } }) },
      [/null null: manifest: annotations: \{"note":"x"\} is in the pinned image alone$/],
      0,
    ],
  ];
  it.each(altered)('finds %s, and says so file by file', async (_, change, expected, layersOfPlatform) => {
    const text = pinAltered(registry, PATH, await pinnedElsewhere(), change);
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const before = treeOf(root);
      registry.requests.length = 0;
      const result = await reproduce(root, STAGING);
      expect([result.code, result.exitCode, result.report?.outcome]).toEqual([null, 2, 'differs']);
      expect(result.text).toMatch(/ERR_PIN_NOT_REPRODUCED: .*linux\/amd64: [0-9a-f]{12} is pinned, and the source makes [0-9a-f]{12}/);
      for (const platform of ['linux/amd64', 'linux/arm64'])
        for (const line of expected) expect(differences(result).filter((each) => each.startsWith(platform))).toContainEqual(expect.stringMatching(line));
      // Only layers that differ are read; both platforms may have them in common.
      expect(new Set(layersRead()).size).toBe(layersOfPlatform);
      expect(result.text).not.toMatch(/secret-|\u202e|\u001b/);
      expect(treeOf(root)).toBe(before);
    });
  });

  it('finds an index that lists the right images and something else', async () => {
    const text = pinAltered(registry, PATH, await pinnedElsewhere(), { index: (index) => ({ ...index, annotations: { a: 'b' } }) });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const result = await reproduce(root, STAGING);
      expect([result.exitCode, result.report?.outcome]).toEqual([2, 'differs']);
      expect(differences(result)).toEqual(['null null null: index: annotations: {"a":"b"} is in the pinned image alone']);
    });
  });

  it('tells no more than 200 differences one by one, and reads no layer to find more', async () => {
    const many: Alteration = {
      layer: (entries, position) =>
        position === 0 ? [...entries, ...Array.from({ length: 300 }, (_, at) => withFields(entries.at(-1)!, { name: `more/${at}` }))] : entries,
    };
    const text = pinAltered(registry, PATH, await pinnedElsewhere(), many);
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const { report, text: lines } = await reproduce(root, STAGING);
      expect([report?.reproduction?.differences.length, report?.reproduction?.omitted]).toEqual([200, 103]);
      expect(lines).toContain('and 103 more');
      // What could not be told is not read either.
      expect(layersRead()).toHaveLength(1);
    });
  });

  it('says that the source has changed, and in what', async () => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text, [`${FOLDER}/name.txt`]: 'another\n' }, async (root) => {
      const result = await reproduce(root, { PINLANE_LANE: 'main' });
      expect([result.exitCode, result.report?.outcome]).toEqual([2, 'differs']);
      expect(result.report?.reasons).toContainEqual(expect.stringMatching(/^the source has changed since it was pinned/));
      expect(differences(result)).toContainEqual(expect.stringMatching(/app\/name\.txt: content: pinned 4 bytes/));
    });
  });

  it('does not take the word of a label or of registry.yaml for a source', async () => {
    const text = await pinnedElsewhere();
    const fingerprint = text.match(/sha256:[0-9a-f]{64}/g)![3]!;
    const lie = `sha256:${'e'.repeat(64)}`;
    const labelled = pinAltered(registry, PATH, text, {
      config: (config) => {
        const execution = config['config'] as { Labels: Record<string, string> };
        return { ...config, config: { ...execution, Labels: { ...execution.Labels, 'dev.pinlane.fingerprint': lie } } };
      },
    });
    const lies = [
      { text: text.replace(fingerprint, lie), outcome: 'stale', reason: /they say|the source has changed/ },
      { text: labelled, outcome: 'differs', reason: /was built from eeeeeeeeeeee|registry\.yaml says/ },
      { text: labelled.replace(fingerprint, lie), outcome: 'differs', reason: /the source has changed/ },
    ];
    for (const { text: lying, outcome, reason } of lies)
      await withFiles({ ...FILES, [FILE]: lying }, async (root) => {
        const result = await reproduce(root, STAGING);
        expect([result.exitCode, result.report?.outcome]).toEqual([2, outcome]);
        expect(result.report?.reasons.join('\n')).toMatch(reason);
      });
  });

  it('is a verdict against pins whose image is gone, as --check has it, and an error where that could not be found out', async () => {
    const text = await pinnedElsewhere();
    const gone: readonly (() => void)[] = [
      () => registry.manifests.clear(),
      () => [...registry.blobs].filter(([, bytes]) => bytes[0] === 0x1f).forEach(([digest]) => registry.blobs.delete(digest)),
    ];
    registry.faults.push({ when: ({ url }) => url.includes('/manifests/'), fault: { kind: 'answer', status: 403 } });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const before = treeOf(root);
      expect(await reproduce(root, STAGING)).toMatchObject({ code: 'ERR_REGISTRY_DENIED', exitCode: 1 });
      expect(treeOf(root)).toBe(before);
    });
    registry.faults.length = 0;
    for (const remove of gone) {
      remove();
      await withFiles({ ...FILES, [FILE]: text }, async (root) => {
        const result = await reproduce(root, STAGING);
        expect([result.exitCode, result.report?.outcome]).toEqual([2, 'stale']);
        expect(result.text).toMatch(/is gone, or a part of it[^]*the source makes the digests that are pinned[^]*ERR_PIN_STALE/);
      });
    }
  });

  it('tells that images differ also if a layer of the pinned one can not be read', async () => {
    const text = pinAltered(
      registry,
      PATH,
      await pinnedElsewhere(),
      at('app/name.txt', (entry) => withContent(entry, 'three\n')),
    );
    registry.faults.push({
      when: ({ method, url }) => method === 'GET' && registry.blobs.get(url.split('/').at(-1)!)?.[0] === 0x1f,
      fault: { kind: 'answer', status: 404 },
    });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const result = await reproduce(root, STAGING);
      expect([result.exitCode, result.report?.outcome]).toEqual([2, 'differs']);
      expect(differences(result)).toContainEqual(expect.stringMatching(/^linux\/amd64 1 null: not compared any further: /));
    });
  });

  it('builds on a base that only its registry has', async () => {
    const layer = layerOf(Buffer.alloc(1024), { gzip: true });
    const base = imageOf([platformImage('amd64', [layer], { Env: ['A=b'] }), platformImage('arm64', [layer], {})]);
    const put = () => putImage(openRepository(parseRepository(`${registry.host}/some/base`)), base);
    await put();
    const files = { ...FILES, [`${FOLDER}/Dockerfile`]: `FROM ${registry.host}/some/base@${base.index.descriptor.digest}\nCOPY name.txt /n\n` };
    const text = await pinnedElsewhere(files);
    await withFiles({ ...files, [FILE]: text }, async (root) => {
      const before = treeOf(root);
      expect((await reproduce(root, { PINLANE_LANE: 'main' })).report?.outcome).toBe('reproduced');
      expect(treeOf(root)).toBe(before);
    });
  });

  describe('on the base of the workspace', () => {
    const lock = JSON.parse(readFileSync(join(REPOSITORY, BASE, 'base.lock.json'), 'utf8')) as { image: object };
    const definition = readFileSync(join(REPOSITORY, BASE, 'base.yaml'), 'utf8');
    const layer = layerOf(Buffer.alloc(1024), { gzip: true });
    const labels = { 'dev.pinlane.fingerprint': lockFingerprint(parseLock(JSON.stringify(lock))) };
    const base = imageOf([platformImage('amd64', [layer], { Labels: labels }), platformImage('arm64', [layer], { Labels: labels })]);
    const index = base.index.descriptor.digest;
    const platforms = Object.fromEntries(base.platforms.map(({ descriptor }) => [descriptor.platform.architecture, descriptor.digest]));
    const files = {
      ...FILES,
      [`${FOLDER}/Dockerfile`]: 'FROM store.localhost/base-node\nCOPY name.txt /n\n',
      [`${BASE}/base.yaml`]: definition,
      [`${BASE}/base.lock.json`]: JSON.stringify({ ...lock, image: { ...lock.image, index, platforms } }),
    };
    const published = () => ({ [`${BASE}/base.yaml`]: `${definition}\npublished: ${registry.host}/some/base@${index}\n` });
    const putInStore = (root: string) => putImage(openStore(join(root, '.pinlane/store')), base);
    const putInRegistry = () => putImage(openRepository(parseRepository(`${registry.host}/some/base`)), base);
    /** Of a machine that assembles nothing. */
    const BARE = { ...STAGING, PATH: '/nonexistent' };
    let text = '';
    beforeEach(async () => {
      await withFiles(files, async (root) => {
        await putInStore(root);
        expect((await run(root, {}, BARE)).code).toBeNull();
        text = await readFile(join(root, FILE), 'utf8');
      });
      registry.requests.length = 0;
    });

    const tries: readonly [string, boolean, boolean, boolean, Record<string, unknown>, string][] = [
      ['takes it from the store', true, false, false, {}, 'reproduced'],
      ['takes it from its registry', false, true, false, {}, 'reproduced'],
      ['takes it from its registry if the store has it damaged', true, true, true, {}, 'reproduced'],
      ['takes no damaged one', true, false, true, {}, 'ERR_BASE_UNAVAILABLE'],
      ['has to assemble it where it is nowhere', false, false, false, {}, 'ERR_BASE_UNAVAILABLE'],
      ['has to assemble it with --noCache, wherever it is', true, true, false, { noCache: true }, 'ERR_BASE_UNAVAILABLE'],
      ['has to assemble it with --no-cache, though the store has it', true, false, false, { cache: false }, 'ERR_BASE_UNAVAILABLE'],
    ];
    it.each(tries)('%s', async (_, inStore, inRegistry, damaged, options, expected) => {
      if (inRegistry) await putInRegistry();
      await withFiles({ ...files, ...(inRegistry ? published() : {}), [FILE]: text }, async (root) => {
        if (inStore) await putInStore(root);
        if (damaged) await writeFile(openStore(join(root, '.pinlane/store')).blobPath(layer.descriptor.digest), 'x'.repeat(layer.descriptor.size));
        const before = treeOf(root);
        for (const lane of ['local', 'main']) {
          const result = await reproduce(root, { ...BARE, PINLANE_LANE: lane }, options);
          expect(result.report?.outcome ?? result.code).toBe(expected);
          expect(treeOf(root)).toBe(before);
        }
      });
    });
  });

  it('refuses what Docker builds, and names the lines that need it', async () => {
    const text = await pinnedElsewhere();
    const dockerfile = `${FOLDER}/Dockerfile`;
    await withFiles({ ...FILES, [FILE]: text, [dockerfile]: `${FILES[dockerfile]}RUN true\n` }, async (root) => {
      const result = await reproduce(root);
      expect([result.code, result.exitCode]).toEqual(['ERR_DOCKERFILE_UNSUPPORTED', 1]);
      expect(result.text).toMatch(/ERR_ENGINE_UNAVAILABLE: only what the embedded engine builds can be reproduced/);
    });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const before = treeOf(root);
      expect((await reproduce(root, {}, { engine: 'docker' })).code).toBe('ERR_ENGINE_UNAVAILABLE');
      expect((await reproduce(root, { PINLANE_ENGINE: 'docker' })).code).toBe('ERR_ENGINE_UNAVAILABLE');
      expect((await reproduce(root, {}, { build: { sbom: 'true' } })).code).toBe('ERR_ENGINE_UNAVAILABLE');
      expect(treeOf(root)).toBe(before);
    });
  });

  it('reproduces what the options of the build made', async () => {
    const build = { labels: { team: 'b' }, engine: 'embedded' };
    let text = '';
    await withFiles(FILES, async (root) => {
      expect((await run(root, { build }, STAGING)).code).toBeNull();
      text = await readFile(join(root, FILE), 'utf8');
    });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      expect((await reproduce(root, {}, { build })).report?.outcome).toBe('reproduced');
      expect(differences(await reproduce(root))).toContainEqual(expect.stringMatching(/config: config\.Labels\.team: pinned "b", built "one"$/));
    });
  });

  it('reproduces one platform alone, and refuses a processor without pins', async () => {
    await withFiles(FILES, async (root) => {
      expect((await reproduce(root)).code).toBe('ERR_IMAGE_UNPINNED');
      expect((await run(root, { platforms: 'linux/arm64' })).code).toBeNull();
      expect((await reproduce(root)).report?.outcome).toBe('reproduced');
      // The store's pins are those of lane local alone.
      expect((await reproduce(root, { PINLANE_LANE: 'main' })).report).toMatchObject({ outcome: 'stale' });
      await rm(join(root, '.pinlane'), { recursive: true });
      expect((await reproduce(root)).report).toMatchObject({
        outcome: 'stale',
        reasons: [expect.stringContaining('is gone'), expect.stringContaining('is gone')],
      });
    });
  });

  it.each([
    { check: true },
    { dryRun: true },
    { rebuild: true },
    { platforms: 'linux/arm64' },
    { push: true },
    { digest: `x.example/y@sha256:${'0'.repeat(64)}` },
  ])('is refused together with %j', async (option) => {
    await withFiles(FILES, async (root) => {
      expect(await reproduce(root, {}, option)).toMatchObject({ code: 'ERR_OPTION_INVALID', text: expect.stringContaining(`--${Object.keys(option)[0]}`) });
    });
  });

  it('leaves nothing when it is interrupted', async () => {
    const text = pinAltered(
      registry,
      PATH,
      await pinnedElsewhere(),
      at('app/name.txt', (entry) => withContent(entry, 'three\n')),
    );
    const controller = new AbortController();
    registry.faults.push({
      when: ({ method, url }) => {
        const isLayer = method === 'GET' && registry.blobs.get(url.split('/').at(-1)!)?.[0] === 0x1f;
        if (isLayer) controller.abort();
        return isLayer;
      },
      fault: { kind: 'hang' },
    });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const before = treeOf(root);
      expect((await run(root, { reproduce: true }, STAGING, controller.signal)).code).toBe('ERR_CANCELLED');
      expect(controller.signal.aborted).toBe(true);
      expect(treeOf(root)).toBe(before);
      expect(readdirSync(join(root, '.pinlane/cache/reproduce'))).toEqual([]);
    });
  });
});
