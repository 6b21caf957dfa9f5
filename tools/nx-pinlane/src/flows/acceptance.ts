import { join } from 'node:path';
import { acceptImage, summaryText } from '@pinlane/conformance';
import {
  architectureOf,
  architectureOfMachine,
  EXIT,
  fail,
  formatProblem,
  isPinlaneError,
  parsePinnedReference,
  parsePlatforms,
  platformOf,
  RUNTIME_NAMES,
  type EvidenceFound,
  type PinnedReference,
  type Platform,
} from '@pinlane/contracts';
import { openStore, type Store } from '@pinlane/oci';
import { looksForEvidence, pinsOf, renderEvidence, requirePublished, type EvidenceSubject } from '@pinlane/pipeline';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { ensureBuilt } from './ensure-built.ts';
import { attachEvidence, readEvidence, requireMayAttach, type EvidenceSite } from './evidence.ts';
import { openImagePlace } from './image-source.ts';
import { workspacePaths, type WorkspacePaths } from './paths.ts';
import { prepare, readSpec, type SpecFile } from './prepare.ts';
import { chosen, requireSecretsUnset, resolveSettings, type BuildSettings } from './settings.ts';

const platformToTest = (named: string | undefined): Platform => {
  const platforms = named === undefined ? [platformOf(architectureOfMachine(process.arch))] : parsePlatforms(named);
  return platforms.length === 1 ? (platforms[0] as Platform) : fail('ERR_OPTION_INVALID', '--platform names one platform');
};

/** @throws ERR_LANE_FORBIDS where the working tree's image is asked for in a lane that tests what is pinned */
const testsPinned = (asked: boolean | undefined, { lane, rules }: BuildSettings): boolean => {
  if (rules.imageUnderTest === 'working-tree') return asked === true;
  return asked !== false || fail('ERR_LANE_FORBIDS', `lane ${lane} tests the pinned image and no other`);
};

/** The image that is pinned for a platform. Nothing is built. @throws ERR_IMAGE_UNPINNED, ERR_PIN_LOCAL */
const pinnedImage = ({ spec, file }: SpecFile, platform: Platform, { lane }: BuildSettings): PinnedReference => {
  const pin = pinsOf(spec)[architectureOf(platform)] ?? fail('ERR_IMAGE_UNPINNED', `${spec.ref} has no pin for ${platform}`, { file });
  requirePublished(spec, lane, { file });
  return pin;
};

/** The working tree's image for a platform, built where it is not there. */
const builtImage = async (
  registry: SpecFile,
  platform: Platform,
  site: { readonly paths: WorkspacePaths; readonly store: Store; readonly settings: BuildSettings },
  context: FlowContext,
): Promise<PinnedReference> => {
  const prepared = await prepare(registry, site, context);
  const { image } = await ensureBuilt(prepared, { ...site, noCache: site.settings.rules.fresh && !context.afterBuild }, context);
  const digest = image.platforms[architectureOf(platform)];
  return digest === undefined
    ? fail('ERR_PLATFORM_MISSING', `${image.name} was not built for ${platform}`, { fix: 'Name it in --platforms or PINLANE_PLATFORMS.' })
    : parsePinnedReference(`${image.repository}@${digest}`);
};

/** What is attached to the image, where that is looked for; that it can't be read does not keep an image from being tested. */
const evidenceOn = async (about: EvidenceSubject, site: EvidenceSite): Promise<EvidenceFound> => {
  try {
    return await readEvidence(about, site);
  } catch (thrown) {
    if (!isPinlaneError(thrown) || thrown.code === 'ERR_CANCELLED') throw thrown;
    return { found: [], ignored: [{ artifact: null, reason: `it could not be read: ${thrown.problems[0]?.message}` }] };
  }
};

/** Whether reports are attached and looked for: as asked, else as the lane has it. @throws ERR_OPTION_INVALID */
const evidenceWishes = (options: OptionsOf<'acceptance'>, pinned: boolean, { lane, rules }: BuildSettings) => {
  const asked = (['attach', 'evidence'] as const).find((name) => options[name] === true);
  if (asked !== undefined && !pinned)
    fail('ERR_OPTION_INVALID', `--${asked} is about the pinned image, and this tests the working tree's`, { fix: 'Add -c pinned, or --pinned.' });
  return { attach: options.attach ?? (pinned && rules.attaches), look: options.evidence ?? (pinned && looksForEvidence(lane)) };
};

/**
 * Puts a processor's image to the test: the working tree's, or with `pinned` (and in lanes that test what is pinned) the pinned one, for
 * which nothing is built. A rejected image is a verdict: exit code 2. The report on a pinned image that passed is attached to it where that
 * is asked.
 * @throws ERR_IMAGE_UNPINNED, ERR_LANE_FORBIDS, ERR_PIN_LOCAL, ERR_LANE_SECRET_SET and whatever building and running throw
 */
export const acceptance = async (options: OptionsOf<'acceptance'>, context: FlowContext): Promise<FlowOutcome> => {
  const settings = resolveSettings(options, context.env);
  const paths = workspacePaths(context.root, settings.lane);
  const store = openStore(paths.store);
  const registry = await readSpec(context);
  const platform = platformToTest(options.platform);
  const pinned = testsPinned(options.pinned, settings);
  const wishes = evidenceWishes(options, pinned, settings);
  await requireSecretsUnset(settings.lane, registry.spec, context);
  const image = pinned ? pinnedImage(registry, platform, settings) : await builtImage(registry, platform, { paths, store, settings }, context);
  // Before the test, which takes its time.
  if (wishes.attach) requireMayAttach(image, settings.lane);
  const access = { insecureRegistries: settings.insecureRegistries, signal: context.signal };
  const site: EvidenceSite = { image, store, access };
  const evidence = wishes.look ? await evidenceOn({ ref: registry.spec.ref, digest: image.digest, platform }, site) : undefined;

  const report = await acceptImage({
    spec: registry.spec,
    source: openImagePlace(image, store, access),
    digest: image.digest,
    platform,
    image,
    lane: settings.lane,
    pinned,
    evidence,
    runtime: chosen(options.runtime, context.env, 'PINLANE_RUNTIME', ['auto', ...RUNTIME_NAMES] as const),
    casesDir: join(context.root, context.projectRoot, 'acceptance'),
    cacheDir: join(paths.cache, 'rootfs'),
    reportsDir: join(paths.reports, context.project),
    workspaceRoot: context.root,
    // What it fell back to, and why, belongs into the log of a verdict.
    progress: (line) => (line.startsWith('WARNING') ? context.note(line) : context.progress(line)),
    signal: context.signal,
  });
  const lines = [summaryText(report), ...(evidence ? renderEvidence(evidence) : [])];
  if (report.verdict === 'accepted') {
    if (wishes.attach) lines.push(await attachEvidence(report, settings.lane, site));
    return { document: report, lines, exitCode: EXIT.good };
  }
  const failed = report.checks.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => rule);
  const problem = formatProblem({ code: 'ERR_ACCEPTANCE_FAILED', message: `${report.ref} failed ${failed.join(', ')}`, file: registry.file });
  return { document: report, lines: [...lines, problem], exitCode: EXIT.verdict };
};
