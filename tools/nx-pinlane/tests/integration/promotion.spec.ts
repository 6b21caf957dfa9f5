import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  parsePinnedReference,
  parseRepository,
  type AcceptanceReport,
  type Digest,
  type EvidenceOrigin,
  type Lane,
  type PromotionReport,
} from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { withPinValues } from '@pinlane/pipeline';
import { errorOf, lackOf, putImage, requirement, temporaryFolder } from '@pinlane/testing';
import { attachEvidence } from '../../src/images/evidence.ts';
import { countsStillIn, evidenceOrigin } from '../../src/images/evidence-origin.ts';
import { openLocations } from '../../src/images/locations.ts';
import { verb as commitPins } from '../../src/verbs/commit-pins/verb.ts';
import { sourceOf } from '../../src/verbs/promotion/source.ts';
import { verb } from '../../src/verbs/promotion/verb.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { readSpecFile } from '../../src/workspace/spec-file.ts';
import { makeDockerRegistry, type DockerRegistry } from './support/docker-registry.ts';
import { joined, labelsOf, makePlatform, type ProcessorImage } from './support/images.ts';
import { contextOf, run } from './support/verb-context.ts';

const FOLDER = 'processors/acme-one';
const FILE = `${FOLDER}/registry.yaml`;
const GIT = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
const PATIENCE = { retry: { attempts: 1 } };
const REGISTRY_YAML = [
  'ref: acme/one@1 # the first',
  'image:',
  '  platforms:',
  '    amd64: null',
  '    arm64: null',
  '  index: null',
  '  source: { fingerprint: null, revision: null }',
  '',
].join('\n');

const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: GIT,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

const put = (root: string, file: string, text: string): void => {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
};

/** A workspace, and the repository that it is cloned from. */
interface World {
  readonly remote: string;
  readonly root: string;
}

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('what main pins', () => {
  let registry: DockerRegistry;
  let serial = 0;
  beforeAll(async () => {
    registry = await makeDockerRegistry();
  });
  afterAll(() => registry.close());

  const contextIn = (root: string) => contextOf(root, { patience: PATIENCE, env: { GIT_CONFIG_GLOBAL: '/dev/null', PATH: process.env['PATH'] } });
  const locationsIn = (root: string, lane: Lane) => openLocations(workspacePaths(root, lane), { insecureRegistries: new Set(), patience: PATIENCE });

  /** An empty remote with one commit on main and staging, cloned; each has a repository of its own in the registry. */
  const makeWorld = (): World & { readonly repository: string } => {
    const folder = temporaryFolder('promotion');
    const [remote, root] = [join(folder, 'remote.git'), join(folder, 'work')];
    git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
    git(folder, 'clone', '--quiet', remote, root);
    git(root, 'symbolic-ref', 'HEAD', 'refs/heads/main');
    for (const [file, text] of [
      ['nx.json', '{}'],
      ['.gitignore', '.pinlane/\n'],
      [FILE, REGISTRY_YAML],
      [`${FOLDER}/Dockerfile`, 'FROM scratch\nCOPY a /\n'],
      [`${FOLDER}/a`, 'one'],
    ] as const)
      put(root, file, text);
    git(root, 'add', '-A');
    git(root, 'commit', '--quiet', '-m', 'source');
    git(root, 'push', '--quiet', 'origin', 'HEAD:main', 'HEAD:staging');
    git(root, 'fetch', '--quiet');
    return { remote, root, repository: `${registry.host}/acme/w${serial++}` };
  };
  type Full = ReturnType<typeof makeWorld>;

  /** An image of the working tree's source. */
  const build = async ({ root, repository }: Full, mark = ''): Promise<ProcessorImage> => {
    const source = await sourceOf(await readSpecFile(root, FILE), { lane: 'staging' }, locationsIn(root, 'staging'), contextIn(root));
    const labels = labelsOf('acme-one', source);
    const image = joined(makePlatform('amd64', labels, `${mark} ${repository}`), makePlatform('arm64', labels, `${mark} ${repository}`));
    await putImage(openRepository(parseRepository(repository)), image);
    return image;
  };
  const claimed = ({ amd64 }: ProcessorImage): Digest =>
    Buffer.from(amd64.config.bytes)
      .toString()
      .match(/"dev.pinlane.fingerprint":"(sha256:[0-9a-f]{64})"/)![1] as Digest;

  /** Writes an image's pins into the working tree. */
  const write = ({ root, repository }: Full, image: ProcessorImage): void => {
    const place = ({ descriptor }: { readonly descriptor: { readonly digest: Digest } }) => `${repository}@${descriptor.digest}`;
    const pins = {
      'image.platforms.amd64': place(image.amd64),
      'image.platforms.arm64': place(image.arm64),
      'image.index': place(image.index),
      'image.source.fingerprint': claimed(image),
      'image.source.revision': git(root, 'rev-parse', 'HEAD'),
    };
    put(root, FILE, withPinValues(readFileSync(join(root, FILE), 'utf8'), pins, FILE, 'registry.yaml'));
  };

  /** Pins an image as the pipeline does: one commit on the tip of a branch. */
  const stage = async (world: Full, image: ProcessorImage, branch = 'staging'): Promise<string> => {
    write(world, image);
    const { document } = await run(commitPins, { lane: 'staging', branch }, contextIn(world.root));
    git(world.root, 'checkout', '--quiet', '--', '.');
    git(world.root, 'fetch', '--quiet');
    return (document as { commit: string }).commit;
  };

  /** Attaches reports on both platforms, as an acceptance in a lane does. */
  const accept = async (
    { root, repository }: Full,
    image: ProcessorImage,
    {
      lane = 'staging',
      origin = {},
      platforms = ['amd64', 'arm64'],
    }: { lane?: Lane; origin?: Partial<EvidenceOrigin> | null; platforms?: ('amd64' | 'arm64')[] } = {},
  ): Promise<void> => {
    const own = await evidenceOrigin(root, {});
    for (const architecture of platforms) {
      const { digest } = image[architecture].descriptor;
      const report: AcceptanceReport = {
        kind: 'AcceptanceReport',
        schemaVersion: 1,
        ref: 'acme/one@1' as AcceptanceReport['ref'],
        image: `${repository}@${digest}`,
        digest,
        platform: `linux/${architecture}`,
        lane,
        pinned: true,
        isolation: { runtime: 'bubblewrap', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' },
        verdict: 'accepted',
        checks: [{ rule: 'healthz.ok', title: 'It is healthy', outcome: 'passed', message: '', durationMs: 3 }],
        startedAt: '2026-11-23T12:00:00.000Z',
        durationMs: 1000,
        healthyAfterMs: 100,
        log: null,
        ...(origin === null ? {} : { origin: { ...own, ...origin } }),
      };
      await attachEvidence(report, 'staging', parsePinnedReference(`${repository}@${digest}`), locationsIn(root, 'staging'), countsStillIn(root));
    }
  };

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

  /** A workspace whose staging pinned and accepted what it is at, with main checked out, which has nothing of it yet. */
  const promoted = async (): Promise<Full & { readonly image: ProcessorImage; readonly pin: string }> => {
    const world = makeWorld();
    const image = await build(world);
    const pin = await stage(world, image);
    await accept(world, image, { origin: { revision: pin, run: 'https://ci.example/runs/1' } });
    return { ...world, image, pin };
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

  it.each<[string, (world: Full, image: ProcessorImage) => Promise<void>, RegExp]>([
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
    const world = await promoted();
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
