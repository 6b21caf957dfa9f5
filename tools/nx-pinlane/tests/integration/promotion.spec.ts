import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PromotionReport } from '@pinlane/contracts';
import { errorOf, lackOf, requirement, temporaryFolder } from '@pinlane/testing';
import { sourceOf } from '../../src/images/promotion/source.ts';
import { verb } from '../../src/verbs/promotion/verb.ts';
import { readSpecFile } from '../../src/workspace/spec-file.ts';
import { makeDockerRegistry, type DockerRegistry } from './support/docker-registry.ts';
import type { ProcessorImage } from './support/images.ts';
import { FILE, FOLDER, git, promotedWorlds, put, type PromotedWorld } from './support/promoted-world.ts';
import { run } from './support/verb-context.ts';

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('what main pins', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await makeDockerRegistry();
  });
  afterAll(() => registry.close());
  const { contextIn, locationsIn, makeWorld, build, claimed, write, stage, accept, promoted, promotedAnew } = promotedWorlds(() => registry);

  const prove = async (root: string, options: Record<string, unknown> = {}) => {
    const { document, exitCode, lines } = await run(verb, { lane: 'main', ...options }, contextIn(root));
    const report = document as PromotionReport;
    const [entry] = report.entries;
    return {
      report,
      entry: entry!,
      exitCode,
      lines: lines.join('\n'),
      codes: [...new Set(entry!.findings.map(({ code }) => code))],
      said: entry!.findings.map(({ message }) => message).join('\n'),
    };
  };

  it.each<[string, 'history' | 'content', (root: string, pin: string) => void]>([
    ['a fast-forward', 'history', (root) => git(root, 'merge', '--quiet', '--ff-only', 'origin/staging')],
    ['a merge', 'history', (root) => git(root, 'merge', '--quiet', '--no-ff', '-m', 'release', 'origin/staging')],
    [
      'a squash',
      'content',
      (root) => {
        git(root, 'merge', '--quiet', '--squash', 'origin/staging');
        git(root, 'commit', '--quiet', '-m', 'release');
      },
    ],
    [
      'a cherry-pick',
      'content',
      (root, pin) => {
        git(root, 'commit', '--quiet', '--allow-empty', '-m', 'main moved');
        git(root, 'cherry-pick', pin);
      },
    ],
  ])('is promoted, by whichever way it came: %s', async (_, by, merge) => {
    const { root, pin, image } = await promoted();
    merge(root, pin);
    const { report, entry, exitCode, lines } = await prove(root);
    expect([exitCode, report.verdict, entry.findings]).toEqual([0, 'promoted', []]);
    expect(entry.pinnedBy).toEqual({ commit: pin, source: git(root, 'rev-parse', `${pin}^`), run: null, by });
    expect(entry.fingerprint).toEqual({ pinned: claimed(image), source: claimed(image) });
    expect(Object.keys(entry.acceptedBy)).toEqual(['amd64', 'arm64']);
    expect(lines).toContain('https://ci.example/runs/1');
    expect(JSON.parse(readFileSync(join(root, '.pinlane/reports/promotion.json'), 'utf8'))).toEqual(report);
    // What is not pinned any more is no longer promoted, and what staging pins later does not change what is here.
    put(root, `${FOLDER}/a`, 'two');
    expect(await prove(root)).toMatchObject({ exitCode: 2, codes: ['ERR_PIN_STALE'], entry: { findings: [{ line: 7 }] } });
  });

  it.each<[string, (world: PromotedWorld, image: ProcessorImage) => Promise<void>, RegExp]>([
    ['none', async () => undefined, /^staging did not accept [0-9a-f]{12} for linux\/amd64: no report is attached\n/],
    [
      'of lanes dev, local and pr',
      async (world, image) => {
        for (const lane of ['dev', 'local', 'pr'] as const) await accept(world, image, { lane });
      },
      /is of lane (dev|local|pr); .* is of lane (dev|local|pr)/,
    ],
    ['of another digest', async (world) => accept(world, await build(world, 'other')), /no report is attached/],
    [
      'of another workspace',
      async (world, image) => accept(world, image, { origin: { workspace: 'github.com/somebody/else' } }),
      /is of github.com\/somebody\/else, and this is folder:[0-9a-f]{16}/,
    ],
    ['of nobody says which workspace', async (world, image) => accept(world, image, { origin: null }), /does not say which workspace/],
    [
      'of a commit that staging never had',
      async (world, image) => accept(world, image, { origin: { revision: '1'.repeat(40) } }),
      /commit 111111111111, which is not in the history of staging/,
    ],
    ['of no commit', async (world, image) => accept(world, image, { origin: { revision: null } }), /does not say which commit/],
  ])('is refused, with the line of the pin, where the evidence is %s', async (_, leave, said) => {
    const world = makeWorld();
    const image = await build(world);
    await stage(world, image);
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    await leave(world, image);
    const found = await prove(world.root);
    expect(found).toMatchObject({ exitCode: 2, report: { verdict: 'refused' }, codes: ['ERR_EVIDENCE_MISSING'] });
    expect(found.entry.findings.map(({ pin, line }) => [pin, line])).toEqual([
      ['amd64', 4],
      ['arm64', 5],
    ]);
    expect(found.said).toMatch(said);
    expect(found.lines).toContain(`ERR_EVIDENCE_MISSING: ${FILE}:4:12: `);
  });

  it('needs evidence for every platform that is pinned, unless it is asked for some', async () => {
    const world = makeWorld();
    const image = await build(world);
    await stage(world, image);
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    await accept(world, image, { platforms: ['amd64'] });
    expect(await prove(world.root)).toMatchObject({ exitCode: 2, entry: { findings: [{ pin: 'arm64' }] } });
    expect(await prove(world.root, { platforms: 'linux/amd64' })).toMatchObject({
      exitCode: 0,
      entry: { remarks: ['evidence for linux/arm64 was not asked for'] },
    });
  });

  it.each<[string, (root: string) => void]>([
    ['committed', (root) => git(root, 'commit', '--quiet', '-am', 'ci(staging): pin processor images')],
    [
      'with a forged trailer',
      (root) => git(root, 'commit', '--quiet', '-am', `ci(staging): pin processor images\n\nPinlane-Source: ${git(root, 'rev-parse', 'HEAD')}`),
    ],
    ['in the working tree', () => undefined],
  ])('is refused where a pin was edited by hand, %s, though its image is accepted and of this source', async (_, commit) => {
    const world = await promoted();
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    const other = await build(world, 'by hand');
    await accept(world, other);
    write(world, other);
    commit(world.root);
    expect(await prove(world.root)).toMatchObject({
      exitCode: 2,
      codes: ['ERR_NOT_PROMOTED'],
      said: expect.stringContaining('no pin commit of refs/remotes/origin/staging wrote the pins'),
    });
  });

  it('is refused where its pin commit is on another branch', async () => {
    const world = makeWorld();
    git(world.root, 'push', '--quiet', 'origin', 'HEAD:feature');
    const image = await build(world);
    const pin = await stage(world, image, 'feature');
    await accept(world, image);
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/feature');
    expect(await prove(world.root)).toMatchObject({
      exitCode: 2,
      codes: ['ERR_NOT_PROMOTED'],
      said: expect.stringContaining(`${pin.slice(0, 12)} wrote them, and is not in the history of`),
    });
  });

  it('is refused where staging was force-pushed since, and promoted again once it pinned anew', async () => {
    const world = await promotedAnew();
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    git(world.root, 'push', '--quiet', '--force', 'origin', `${world.pin}^:staging`);
    git(world.root, 'fetch', '--quiet');
    expect(await prove(world.root)).toMatchObject({
      exitCode: 2,
      codes: ['ERR_NOT_PROMOTED', 'ERR_EVIDENCE_MISSING'],
      said: expect.stringContaining('was rewritten since'),
    });
    git(world.root, 'checkout', '--quiet', '--detach', 'origin/staging');
    const again = await stage(world, world.image);
    await accept(world, world.image, { origin: { revision: again, run: 'https://ci.example/runs/2' }, lane: 'staging' });
    git(world.root, 'checkout', '--quiet', 'origin/staging');
    expect(await prove(world.root)).toMatchObject({
      exitCode: 0,
      entry: { pinnedBy: { commit: again }, acceptedBy: { amd64: { origin: { revision: again } } } },
    });
    // The same of the same history is not attached twice.
    const before = (await prove(world.root)).entry.acceptedBy;
    await accept(world, world.image, { origin: { run: 'https://ci.example/runs/3' } });
    expect((await prove(world.root)).entry.acceptedBy).toEqual(before);
  });

  it.each<[string, (root: string) => void, RegExp]>([
    ['holds more than pins', (root) => put(root, `${FOLDER}/more`, 'x'), /it changes more than pins: processors\/acme-one\/more/],
    [
      'changes another value',
      (root) => put(root, FILE, `${readFileSync(join(root, FILE), 'utf8')}runtime: { timeout_s: 9 }\n`),
      /it changes more than pins: processors\/acme-one\/registry.yaml/,
    ],
  ])('is refused where what calls itself a pin commit of staging %s', async (_, change, said) => {
    const world = makeWorld();
    change(world.root);
    const image = await build(world);
    write(world, image);
    git(world.root, 'add', '-A');
    git(world.root, 'commit', '--quiet', '-m', `ci(staging): pin processor images\n\nPinlane-Source: ${git(world.root, 'rev-parse', 'HEAD')}`);
    git(world.root, 'push', '--quiet', 'origin', 'HEAD:staging');
    git(world.root, 'fetch', '--quiet');
    await accept(world, image);
    const found = await prove(world.root);
    expect([found.exitCode, found.codes, found.said]).toEqual([2, ['ERR_NOT_PROMOTED'], expect.stringMatching(said)]);
  });

  it('is not to be told, with the remedy, in a clone that has a part of the history, or no staging', async () => {
    const world = await promoted();
    git(world.root, 'merge', '--quiet', '--no-ff', '-m', 'release', 'origin/staging');
    git(world.root, 'push', '--quiet', 'origin', 'HEAD:main');
    const cloned = (...options: string[]): string => {
      const folder = join(temporaryFolder('shallow'), 'clone');
      git(world.root, 'clone', '--quiet', '--branch=main', ...options, `file://${world.remote}`, folder);
      return folder;
    };
    expect(await errorOf(() => prove(cloned('--depth=1')))).toMatchObject({
      code: 'ERR_PROMOTION_UNKNOWN',
      exitCode: 1,
      message: expect.stringMatching(/origin\/staging.*\n.*fetch-depth: 0.*--unshallow/),
    });
    const shallow = cloned('--depth=1', '--no-single-branch');
    expect(await prove(shallow)).toMatchObject({
      exitCode: 1,
      codes: ['ERR_PROMOTION_UNKNOWN'],
      said: expect.stringContaining('a part of the history'),
      lines: expect.stringContaining('fetch-depth: 0'),
    });
    git(shallow, 'fetch', '--quiet', '--unshallow');
    expect((await prove(shallow)).exitCode).toBe(0);
  });

  it('is not to be told where the registry is down', async () => {
    const world = await promoted();
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    const mine = await makeDockerRegistry();
    const elsewhere = { ...world, repository: `${mine.host}/acme/one` };
    const image = await build(elsewhere);
    await stage(elsewhere, image);
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    await accept(elsewhere, image);
    expect((await prove(world.root)).exitCode).toBe(0);
    await mine.close();
    expect(await prove(world.root)).toMatchObject({ exitCode: 1, report: { verdict: 'unknown' }, codes: ['ERR_REGISTRY_UNAVAILABLE'] });
  });

  it('is refused where something else was built in the folder of lane main', async () => {
    const world = await promoted();
    git(world.root, 'merge', '--quiet', '--ff-only', 'origin/staging');
    const index = `sha256:${'2'.repeat(64)}`;
    const record = {
      kind: 'BuiltImage',
      schemaVersion: 1,
      name: 'acme-one',
      repository: 'store.localhost/acme-one',
      platforms: {},
      index,
      fingerprint: index,
      revision: null,
      engine: null,
      bases: {},
      pushed: false,
    };
    put(world.root, '.pinlane/builds/acme-one.json', JSON.stringify(record));
    expect(await prove(world.root)).toMatchObject({ exitCode: 2, codes: ['ERR_NOT_PROMOTED'], said: expect.stringContaining('was built in this folder') });
    expect((await prove(world.root, { lane: 'staging' })).exitCode).toBe(0);
    expect(await errorOf(() => prove(world.root, { lane: 'pr' }))).toMatchObject({ code: 'ERR_LANE_FORBIDS' });
  });

  it('is held against the source as the targets of its project build it', async () => {
    const { root } = makeWorld();
    const specFile = await readSpecFile(root, FILE);
    const source = (buildx?: Record<string, unknown>) =>
      sourceOf(specFile, { lane: 'main' }, locationsIn(root, 'main'), {
        ...contextIn(root),
        ...(buildx === undefined ? {} : { targetsOf: (folder: string) => ({ bundle: null, buildx: folder === FOLDER ? buildx : null }) }),
      });
    expect(await source({})).toBe(await source());
    expect(await source({ buildArgs: ['A=1'] })).not.toBe(await source());
    expect(await errorOf(() => source({ buildArgs: 7 }))).toMatchObject({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining('target buildx') });
  });

  it('is unpinned where nothing is, and unknown where a file can not be read', async () => {
    const { root } = makeWorld();
    expect(await prove(root)).toMatchObject({ exitCode: 0, entry: { outcome: 'unpinned' } });
    put(root, FILE, 'ref: [\n');
    expect(await prove(root)).toMatchObject({ exitCode: 1, entry: { outcome: 'unknown', ref: null } });
    rmSync(join(root, FILE));
    expect((await run(verb, { lane: 'main' }, contextIn(root))).exitCode).toBe(0);
  });
});
