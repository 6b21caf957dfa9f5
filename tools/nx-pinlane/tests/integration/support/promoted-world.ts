import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePinnedReference, parseRepository, type AcceptanceReport, type Digest, type EvidenceOrigin, type Lane } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { withPinValues } from '@pinlane/pipeline';
import { putImage, temporaryFolder } from '@pinlane/testing';
import { attachEvidence } from '../../../src/images/evidence.ts';
import { countsStillIn, evidenceOrigin } from '../../../src/images/evidence-origin.ts';
import { openLocations } from '../../../src/images/locations.ts';
import { sourceOf } from '../../../src/images/promotion/source.ts';
import { verb as commitPins } from '../../../src/verbs/commit-pins/verb.ts';
import { workspacePaths } from '../../../src/workspace/paths.ts';
import { readSpecFile } from '../../../src/workspace/spec-file.ts';
import type { DockerRegistry } from './docker-registry.ts';
import { joined, labelsOf, makePlatform, type ProcessorImage } from './images.ts';
import { restorable } from './restorable.ts';
import { contextOf, run } from './verb-context.ts';

export const FOLDER = 'processors/acme-one';
export const FILE = `${FOLDER}/registry.yaml`;
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

/** Runs git as somebody. */
export const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: GIT,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** Writes a file, with the folders above it. */
export const put = (root: string, file: string, text: string): void => {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
};

/** A workspace, and the repository that it is cloned from. */
export interface World {
  readonly remote: string;
  readonly root: string;
}

/** Workspaces whose images are in a registry, for what lanes staging and main do with them. */
export const promotedWorlds = (registry: () => DockerRegistry) => {
  let serial = 0;

  const contextIn = (root: string) => contextOf(root, { patience: PATIENCE, env: { GIT_CONFIG_GLOBAL: '/dev/null', PATH: process.env['PATH'] } });
  const locationsIn = (root: string, lane: Lane) => openLocations(workspacePaths(root, lane), { insecureRegistries: new Set(), patience: PATIENCE });

  /** Makes a remote with one commit on main and staging, and a clone of it. */
  const makeTemplate = (): string => {
    const folder = temporaryFolder('promotion', { forFile: true });
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
    return folder;
  };
  /** What was copied is what the index says, whatever the times of the copies. */
  const refreshed = (folder: string): void => void git(join(folder, 'work'), 'update-index', '-q', '--refresh');

  let template: string | undefined;
  /** An empty remote with one commit on main and staging, cloned; each has a repository of its own in the registry. */
  const makeWorld = (folder = temporaryFolder('promotion')): World & { readonly repository: string } => {
    template ??= makeTemplate();
    cpSync(template, folder, { recursive: true, preserveTimestamps: true });
    const [remote, root] = [join(folder, 'remote.git'), join(folder, 'work')];
    const config = join(root, '.git/config');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(template, folder));
    refreshed(folder);
    return { remote, root, repository: `${registry().host}/acme/w${serial++}` };
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

  type Promoted = Full & { readonly image: ProcessorImage; readonly pin: string };
  /** A workspace whose staging pinned and accepted what it is at, with main checked out, which has nothing of it yet. */
  const promotedAnew = async (folder?: string): Promise<Promoted> => {
    const world = makeWorld(folder);
    const image = await build(world);
    const pin = await stage(world, image);
    await accept(world, image, { origin: { revision: pin, run: 'https://ci.example/runs/1' } });
    return { ...world, image, pin };
  };

  let ready: { readonly world: Promoted; readonly restore: () => void } | undefined;
  /** The same, made once and put back for each test at the same place, which is its name; of a test that attaches no other evidence to the image. */
  const promoted = async (): Promise<Promoted> => {
    const folder = ready === undefined ? temporaryFolder('promotion', { forFile: true }) : join(ready.world.root, '..');
    const { world, restore } = ready ?? { world: await promotedAnew(folder), restore: restorable(folder) };
    ready = { world, restore };
    restore();
    refreshed(folder);
    return world;
  };

  return { contextIn, locationsIn, makeWorld, build, claimed, write, stage, accept, promoted, promotedAnew };
};

/** A workspace with its remote, and its place in the registry. */
export type PromotedWorld = ReturnType<ReturnType<typeof promotedWorlds>['makeWorld']>;
