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
  PinlaneError,
  plainLine,
  platformOf,
  RUNTIME_NAMES,
  type AcceptanceAwaited,
  type AcceptanceReport,
  type EvidenceFound,
  type PinnedReference,
  type Platform,
} from '@pinlane/contracts';
import {
  evidenceFor,
  looksForEvidence,
  namedPins,
  parseYaml,
  placeOf,
  renderEvidence,
  requirePinned,
  requireTestsPinned,
  type EvidenceSubject,
} from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { requestedBy, type BuildRequested } from '../../images/build-request.ts';
import { ensureBuilt } from '../../images/ensure-built.ts';
import { openLocation, openLocations, type ImageLocations } from '../../images/locations.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { requireSecretsUnset } from '../../workspace/secrets.ts';
import { chosen, resolveSettings, type BuildSettings } from '../../workspace/settings.ts';
import { readSpec, type SpecFile } from '../../workspace/spec-file.ts';
import { countsStillIn, evidenceOrigin } from '../../images/evidence-origin.ts';
import { attachEvidence, readEvidence, requireMayAttach } from '../../images/evidence.ts';
import type { AcceptanceOptions } from './options.ts';

const platformToTest = (named: string | undefined): Platform => {
  const platforms = named === undefined ? [platformOf(architectureOfMachine(process.arch))] : parsePlatforms(named);
  return platforms.length === 1 ? (platforms[0] as Platform) : fail('ERR_OPTION_INVALID', '--platform names one platform');
};

/** The image that is pinned for a platform. Nothing is built. @throws ERR_IMAGE_UNPINNED, ERR_PIN_LOCAL */
const pinnedImage = ({ spec, file }: SpecFile, platform: Platform, { lane }: BuildSettings): PinnedReference =>
  requirePinned(spec, { file, platforms: [platform], lane }).pins[architectureOf(platform)]!;

/** The working tree's image for a platform, built if it is not there. */
const builtImage = async (
  specFile: SpecFile,
  requested: BuildRequested,
  platform: Platform,
  settings: BuildSettings,
  locations: ImageLocations,
  context: VerbContext,
): Promise<PinnedReference> => {
  const wish = { settings, rebuild: false, noCache: settings.rules.fresh && !context.afterBuild };
  const { image } = await ensureBuilt(specFile, requested, wish, locations, context);
  const digest = image.platforms[architectureOf(platform)];
  return digest === undefined
    ? fail('ERR_PLATFORM_MISSING', `${image.name} was not built for ${platform}`, { fix: 'Name it in --platforms or PINLANE_PLATFORMS.' })
    : parsePinnedReference(`${image.repository}@${digest}`);
};

/**
 * What is attached to the image. In a lane that needs evidence there is no test without it; elsewhere evidence that can't be read does not keep an image from
 * being tested.
 * @throws ERR_EVIDENCE_MISSING, and what keeps the registry from answering, if the lane needs evidence
 */
const evidenceOn = async (
  about: EvidenceSubject,
  image: PinnedReference,
  { file, text }: SpecFile,
  { lane, rules }: BuildSettings,
  locations: ImageLocations,
): Promise<EvidenceFound> => {
  try {
    const evidence = await readEvidence(about, image, locations);
    const judged = rules.evidenceOf === null ? null : evidenceFor(evidence, { lane, digest: about.digest });
    if (judged !== null && 'problem' in judged) {
      const place = placeOf(parseYaml(text, file), ['image', 'platforms', architectureOf(about.platform)]);
      throw new PinlaneError({ ...judged.problem, file, ...place });
    }
    return evidence;
  } catch (thrown) {
    if (rules.evidenceOf !== null || !isPinlaneError(thrown) || thrown.code === 'ERR_CANCELLED') throw thrown;
    return { found: [], ignored: [{ artifact: null, reason: `it could not be read: ${thrown.problems[0]?.message}` }] };
  }
};

/** Whether reports are attached and looked for: as asked, else as the lane has it. @throws ERR_OPTION_INVALID, ERR_LANE_FORBIDS */
const evidenceWishes = (options: AcceptanceOptions, pinned: boolean, { lane, rules }: BuildSettings) => {
  const asked = (['attach', 'evidence'] as const).find((name) => options[name] === true);
  if (asked !== undefined && !pinned)
    fail('ERR_OPTION_INVALID', `--${asked} is about the pinned image, and this tests the working tree's`, { fix: 'Add -c pinned, or --pinned.' });
  if (options.evidence === false && rules.evidenceOf !== null)
    fail('ERR_LANE_FORBIDS', `lane ${lane} accepts nothing without evidence of lane ${rules.evidenceOf}`, { fix: 'Leave --no-evidence out.' });
  return { attach: options.attach ?? (pinned && rules.attaches), look: options.evidence ?? (pinned && looksForEvidence(lane)) };
};

/** What an acceptance is about, decided before anything runs. */
interface Trial {
  readonly specFile: SpecFile;
  readonly settings: BuildSettings;
  readonly locations: ImageLocations;
  readonly image: PinnedReference;
  readonly platform: Platform;
  readonly pinned: boolean;
  readonly evidence: EvidenceFound | undefined;
}

const runAcceptance = ({ specFile, settings, locations, image, platform, pinned, evidence }: Trial, options: AcceptanceOptions, context: VerbContext) =>
  acceptImage({
    spec: specFile.spec,
    source: openLocation(image, locations),
    digest: image.digest,
    platform,
    image,
    lane: settings.lane,
    pinned,
    evidence,
    runtime: chosen(options.runtime, context.env, 'PINLANE_RUNTIME', ['auto', ...RUNTIME_NAMES] as const),
    casesDir: join(context.root, context.projectRoot, 'acceptance'),
    cacheDir: join(locations.paths.cache, 'rootfs'),
    reportsDir: join(locations.paths.reports, context.project),
    workspaceRoot: context.root,
    progress: context.progress,
    signal: context.signal,
  });

/** Whether a processor is new to a lane that neither pins nor deploys: it is merged there before staging can pin it. */
const awaitsPins = ({ spec }: SpecFile, { rules }: BuildSettings): boolean =>
  rules.writesPins === 'no' && rules.deploysTo === null && Object.keys(namedPins(spec)).length === 0;

const awaited = ({ spec: { ref }, file }: SpecFile, { lane }: BuildSettings): VerbOutcome<AcceptanceAwaited> => {
  const reason = 'nothing is pinned yet, which is what staging does';
  const document: AcceptanceAwaited = { kind: 'AcceptanceAwaited', schemaVersion: 1, ref, lane, reason };
  return { document, lines: [`${ref}  NOT TESTED: ${reason} (${file})`], exitCode: EXIT.good };
};

/**
 * Puts a processor's image to the test: the working tree's, or with `pinned` (and in lanes that test pinned images) the pinned one, for
 * which nothing is built. In lane dev a processor without any pin is told of, and nothing is tested. A rejected image is a verdict: exit code 2. The report on a pinned image that passed is attached to it if that
 * is asked.
 * @throws ERR_IMAGE_UNPINNED, ERR_LANE_FORBIDS, ERR_PIN_LOCAL, ERR_LANE_SECRET_SET, ERR_EVIDENCE_MISSING in a lane that needs evidence, and whatever building and running throw
 */
export const acceptance = async (options: AcceptanceOptions, context: VerbContext): Promise<VerbOutcome<AcceptanceReport | AcceptanceAwaited>> => {
  const settings = resolveSettings({ ...options.build, ...options }, context.env);
  const { lane } = settings;
  const locations = openLocations(workspacePaths(context.root, lane), {
    insecureRegistries: settings.insecureRegistries,
    signal: context.signal,
    progress: context.progress,
    patience: context.patience,
  });
  const specFile = await readSpec(context);
  const { spec } = specFile;
  const platform = platformToTest(options.platform);
  const pinned = requireTestsPinned(lane, options.pinned);
  const wishes = evidenceWishes(options, pinned, settings);
  await requireSecretsUnset(lane, spec, context);
  if (pinned && awaitsPins(specFile, settings)) return awaited(specFile, settings);
  const image = pinned
    ? pinnedImage(specFile, platform, settings)
    : await builtImage(specFile, requestedBy(options.build ?? {}), platform, settings, locations, context);
  // Before the test, which takes its time.
  if (wishes.attach) requireMayAttach(image, lane);
  const evidence = wishes.look ? await evidenceOn({ ref: spec.ref, digest: image.digest, platform }, image, specFile, settings, locations) : undefined;

  const report = await runAcceptance({ specFile, settings, locations, image, platform, pinned, evidence }, options, context);
  const lines = [summaryText(report), ...(evidence ? renderEvidence(evidence) : [])];
  if (report.verdict === 'accepted') {
    if (wishes.attach) {
      const whole = { ...report, origin: await evidenceOrigin(context.root, context.env) };
      lines.push(await attachEvidence(whole, lane, image, locations, countsStillIn(context.root)));
    }
    return { document: report, lines, exitCode: EXIT.good };
  }
  const failed = report.checks.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => plainLine(rule));
  const problem = formatProblem({ code: 'ERR_ACCEPTANCE_FAILED', message: `${report.ref} failed ${failed.join(', ')}`, file: specFile.file });
  return { document: report, lines: [...lines, problem], exitCode: EXIT.verdict };
};
