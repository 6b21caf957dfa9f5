import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isPinlaneError, parseRepository, type BuiltImage, type Digest, type PinReport } from '@pinlane/contracts';
import { openRepository, openStore } from '@pinlane/oci';
import { putImage, startRegistry, type TestRegistry } from '@pinlane/testing';
import type { Verb } from '../../src/command/verb.ts';
import { verb as buildx } from '../../src/verbs/buildx/verb.ts';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { joined, labelsOf, makePlatform } from './support/images.ts';
import { empty } from './support/registry-state.ts';
import { contextOf, run as runVerb, withFiles } from './support/verb-context.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const FILE = 'processors/acme-one/registry.yaml';
const FILES = {
  [FILE]: 'ref: acme/one@1 # the first\n',
  'processors/acme-one/Dockerfile': 'FROM scratch\nCOPY name.txt /name.txt\n',
  'processors/acme-one/name.txt': 'one\n',
};

interface Result {
  readonly code: string | null;
  readonly text: string;
  readonly document: unknown;
}

/** Runs a verb as a machine would that has the workspace and nothing else. */
const run = async (
  root: string,
  verb: Verb,
  env: Record<string, string> = {},
  options: Record<string, unknown> = {},
  project = 'acme-one',
): Promise<Result> => {
  const context = contextOf(root, { project, projectRoot: `processors/${project}`, env: { PINLANE_REGISTRY: `${registry.host}/acme`, ...env } });
  const noted = () => context.notes.join('\n');
  try {
    const { lines, document } = await runVerb(verb, options, context);
    return { code: null, text: [...lines, noted()].join('\n'), document };
  } catch (thrown) {
    if (!isPinlaneError(thrown)) throw thrown;
    return { code: thrown.code, text: `${thrown.message}\n${noted()}`, document: null };
  }
};

const STAGING = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true' };
const repository = () => openRepository(parseRepository(`${registry.host}/acme/acme-one`));
const outcomeOf = ({ document }: Result) => (document as PinReport | null)?.outcome;
const digestsIn = (text: string): string[] => text.match(/sha256:[0-9a-f]{64}/g) ?? [];

/** What was asked of the registry, by kind. */
const asked = () => ({
  writes: registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD').length,
  blobs: registry.requests.filter(({ method, url }) => method === 'GET' && url.includes('/blobs/')).map(({ url }) => url.split('/').at(-1)!),
});

/** Pins in staging, from another machine, and gives the file with pins. */
const pinnedElsewhere = async (files: Readonly<Record<string, string>> = FILES): Promise<string> => {
  let text = '';
  await withFiles(files, async (root) => {
    expect((await run(root, pin, STAGING)).code).toBeNull();
    text = await readFile(join(root, FILE), 'utf8');
  });
  registry.requests.length = 0;
  return text;
};

const configsOf = async (text: string): Promise<string[]> => {
  const manifests = digestsIn(text)
    .slice(0, 2)
    .map((digest) => registry.manifests.get(`acme/acme-one@${digest}`)!);
  return manifests.map(({ bytes }) => (JSON.parse(Buffer.from(bytes).toString()) as { config: { digest: string } }).config.digest);
};

const isEmptyStore = (root: string): boolean => !existsSync(join(root, '.pinlane/store/blobs'));

describe('pins of the source', () => {
  it('answer for it on a machine that has nothing: manifests and configs are read, and nothing is built, pushed or written', async () => {
    const text = await pinnedElsewhere();
    const configs = await configsOf(text);
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      for (const [verb, env, options] of [
        [buildx, STAGING, {}],
        [pin, STAGING, {}],
        [pin, STAGING, { check: true }],
        [pin, {}, {}],
        [buildx, {}, { engine: 'docker' }],
      ] as const) {
        registry.requests.length = 0;
        const result = await run(root, verb, env, options);
        expect([result.code, asked().writes, isEmptyStore(root)]).toEqual([null, 0, true]);
        expect(new Set(asked().blobs)).toEqual(new Set(configs));
        if (verb === buildx) expect((result.document as BuiltImage).index).toBe(digestsIn(text)[2]);
        else expect(outcomeOf(result)).toBe('check' in options ? 'current' : 'unchanged');
      }
      expect(await readFile(join(root, FILE), 'utf8')).toBe(text);
      expect((await run(root, pin, STAGING)).text).toMatch(/pins unchanged[^]*the source is [0-9a-f]{12}, and so says the pinned image/);
    });
  });

  it('lead whoever builds on the image to it, on a machine that only pinned it', async () => {
    const text = await pinnedElsewhere();
    const other = { 'processors/acme-two/registry.yaml': 'ref: acme/two@1\n', 'processors/acme-two/Dockerfile': 'FROM store.localhost/acme-one\nENV A=1\n' };
    await withFiles({ ...FILES, ...other, [FILE]: text }, async (root) => {
      expect(outcomeOf(await run(root, pin, STAGING))).toBe('unchanged');
      expect(await run(root, pin, STAGING, {}, 'acme-two')).toMatchObject({ code: null, document: { outcome: 'pinned' } });
    });
  });

  it('can be given names in the store, and none in the registry by a lane that does not push', async () => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const tags = () => [...registry.manifests.keys()].filter((name) => /:mine$/.test(name));
      expect((await run(root, buildx, {}, { tags: 'mine' })).code).toBeNull();
      const { digest } = await openStore(join(root, '.pinlane/store')).resolve('acme-one:mine');
      expect([digest, tags(), asked().writes]).toEqual([digestsIn(text)[2], [], 0]);
      expect((await run(root, buildx, STAGING, { tags: 'mine' })).code).toBeNull();
      expect(tags()).toEqual(['acme/acme-one:mine']);
    });
  });

  it('are no answer for a lane that builds fresh, nor where a build is asked for', async () => {
    const text = await pinnedElsewhere();
    for (const [env, options] of [
      [{ PINLANE_LANE: 'pr' }, {}],
      [STAGING, { rebuild: true }],
      [STAGING, { noCache: true }],
    ] as const)
      await withFiles({ ...FILES, [FILE]: text }, async (root) => {
        const result = await run(root, buildx, env, options);
        expect([result.code, result.text]).toEqual([null, expect.stringMatching(/acme-one: built, [12] layers? made/)]);
        expect((result.document as BuiltImage).index).toBe(digestsIn(text)[2]);
      });
  });

  it('are those of another image once an option of the build has moved', async () => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const build = { labels: { team: 'a' } };
      expect(await run(root, pin, STAGING, { check: true, build })).toMatchObject({ code: null, text: expect.stringContaining('the source has changed') });
      const built = await run(root, buildx, STAGING, build);
      expect((built.document as BuiltImage).index).not.toBe(digestsIn(text)[2]);
      expect(outcomeOf(await run(root, pin, STAGING, { build }))).toBe('pinned');
      expect(digestsIn(await readFile(join(root, FILE), 'utf8'))[2]).toBe((built.document as BuiltImage).index);
      expect(outcomeOf(await run(root, pin, STAGING, { build, check: true }))).toBe('current');
    });
  });

  it('are believed in the processor’s own repository alone', async () => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      const result = await run(root, buildx, { PINLANE_REGISTRY: 'registry.invalid/acme' });
      expect(result.text).toMatch(
        /the pins do not answer for the source: the pins name .*acme\/acme-one, and the processor's own repository is registry\.invalid/,
      );
      expect(result.text).toContain('acme-one: built');
    });
  });

  const gone: readonly [string, (text: string) => void][] = [
    ['the index', (text) => registry.manifests.delete(`acme/acme-one@${digestsIn(text)[2]}`)],
    ['a platform', (text) => registry.manifests.delete(`acme/acme-one@${digestsIn(text)[1]}`)],
    ['a layer', () => [...registry.blobs].filter(([, bytes]) => bytes[0] === 0x1f).forEach(([digest]) => registry.blobs.delete(digest))],
  ];
  it.each(gone)('are no answer once %s is gone from the registry, and that is said', async (_, remove) => {
    const text = await pinnedElsewhere();
    remove(text);
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      expect(outcomeOf(await run(root, pin, STAGING, { check: true }))).toBe('stale');
      const result = await run(root, pin, STAGING);
      expect(result.text).toMatch(/WARNING the source is the one that was pinned, and the pins do not bear it out: .* is gone, or a part of it.*built anew/);
      // The same source gives the same digests, and they are there again.
      expect([outcomeOf(result), await readFile(join(root, FILE), 'utf8')]).toEqual(['unchanged', text]);
      expect(outcomeOf(await run(root, pin, STAGING, { check: true }))).toBe('current');
    });
  });

  it('are no answer if an image says that it was built from another source, whatever registry.yaml says', async () => {
    const text = await pinnedElsewhere();
    const fingerprint = digestsIn(text)[3] as Digest;
    const other = `sha256:${'e'.repeat(64)}` as Digest;
    const images = [
      joined(makePlatform('amd64', labelsOf('acme-one', other)), makePlatform('arm64', labelsOf('acme-one', other))),
      joined(makePlatform('amd64', labelsOf('acme-one', fingerprint)), makePlatform('arm64', labelsOf('acme-one', other))),
      joined(makePlatform('amd64', {}), makePlatform('arm64', {})),
      joined(makePlatform('amd64', labelsOf('acme-two', fingerprint)), makePlatform('arm64', labelsOf('acme-two', fingerprint))),
    ];
    for (const image of images) {
      await putImage(repository(), image);
      const digests = [image.amd64.descriptor.digest, image.arm64.descriptor.digest, image.index.descriptor.digest];
      const lying = digestsIn(text)
        .slice(0, 3)
        .reduce((all, digest, at) => all.replace(digest, digests[at]!), text);
      await withFiles({ ...FILES, [FILE]: lying }, async (root) => {
        expect(outcomeOf(await run(root, pin, STAGING, { check: true }))).toBe('stale');
        const result = await run(root, pin, STAGING);
        expect(result.text).toMatch(/WARNING the source is the one that was pinned, and the pins do not bear it out/);
        expect([outcomeOf(result), await readFile(join(root, FILE), 'utf8')]).toEqual(['pinned', text]);
      });
    }
  });

  it('keep a registry’s refusal from being taken for their absence; only a build that nobody pins goes on', async () => {
    const text = await pinnedElsewhere();
    registry.faults.push({ when: ({ url }) => url.includes('/manifests/'), fault: { kind: 'answer', status: 403 } });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      expect((await run(root, pin, STAGING)).code).toBe('ERR_REGISTRY_DENIED');
      expect((await run(root, pin)).code).toBe('ERR_REGISTRY_DENIED');
      expect((await run(root, buildx, STAGING)).code).toBe('ERR_REGISTRY_DENIED');
      expect(await run(root, buildx)).toMatchObject({ code: null, text: expect.stringMatching(/built[^]*WARNING the pinned image could not be asked for/) });
      expect(await readFile(join(root, FILE), 'utf8')).toBe(text);
    });
  });
});

describe('an image of the source that no pin names', () => {
  it('is found by the tag of its fingerprint, after a revert or a commit of pins that was lost, and pinned without a build', async () => {
    const text = await pinnedElsewhere();
    await withFiles(FILES, async (root) => {
      const result = await run(root, pin, STAGING);
      expect([result.code, outcomeOf(result), asked().writes, isEmptyStore(root)]).toEqual([null, 'pinned', 0, true]);
      expect(digestsIn(await readFile(join(root, FILE), 'utf8'))).toEqual(digestsIn(text));
      // A lane that may not believe the registry's writers does not ask, nor does a build that is not to be pushed.
      for (const env of [{ PINLANE_LANE: 'pr' }, {}]) {
        await rm(join(root, '.pinlane'), { recursive: true });
        await writeFile(join(root, FILE), FILES[FILE]);
        registry.requests.length = 0;
        expect((await run(root, buildx, env)).text).toContain('acme-one: built');
        expect(registry.requests).toEqual([]);
      }
    });
  });

  it('is built if the tag names what is not of this processor, this source and these platforms, or is not whole', async () => {
    const text = await pinnedElsewhere();
    const fingerprint = digestsIn(text)[3] as Digest;
    const tag = `source-${fingerprint.slice('sha256:'.length)}`;
    const right = labelsOf('acme-one', fingerprint);
    const wrong = [
      joined(makePlatform('amd64', labelsOf('acme-one', `sha256:${'e'.repeat(64)}` as Digest)), makePlatform('arm64', right)),
      joined(makePlatform('amd64', labelsOf('acme-two', fingerprint)), makePlatform('arm64', labelsOf('acme-two', fingerprint))),
    ];
    for (const image of wrong) {
      await putImage(repository(), image);
      await repository().tag(tag, image.index.descriptor, image.index.bytes);
      await withFiles(FILES, async (root) => {
        const result = await run(root, pin, STAGING);
        expect(result.text).toMatch(/WARNING .*:source-[0-9a-f]{64} is not an image of this source for linux\/amd64 and linux\/arm64: it is built anew/);
        expect(digestsIn(await readFile(join(root, FILE), 'utf8'))).toEqual(digestsIn(text));
      });
      // What was pushed took the tag back.
      expect((await repository().resolve(tag)).digest).toBe(digestsIn(text)[2]);
    }
    registry.manifests.delete(`acme/acme-one@${digestsIn(text)[0]}`);
    await withFiles(FILES, async (root) => {
      const result = await run(root, pin, STAGING);
      expect([outcomeOf(result), result.text]).toEqual(['pinned', expect.stringMatching(/WARNING .*: it is built anew/)]);
    });
  });
});
