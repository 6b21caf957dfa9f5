import { EXIT, fail, formatRepository, isStoreReference, laneRules, parsePlatforms, shortDigest, type PinReport } from '@pinlane/contracts';
import { pinReport, publishedRepository, renderPinReport, requireMayPin } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { writeBundle } from '../../images/bundle.ts';
import { requestedBy } from '../../images/build-request.ts';
import { ensureBuilt, howItCame } from '../../images/ensure-built.ts';
import { whyNothing } from '../../images/find-image.ts';
import { openLocations, type ImageLocations } from '../../images/locations.ts';
import { isUncached } from '../../images/options.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { partIn, partOf } from '../../workspace/part.ts';
import { settlePushes } from '../../workspace/push-journal.ts';
import { resolveSettings, type BuildSettings } from '../../workspace/settings.ts';
import { readSpecIn } from '../../workspace/known-spec.ts';
import { readSpec, type SpecFile } from '../../workspace/spec-file.ts';
import { check } from './check.ts';
import { explainPins } from './explain-pins.ts';
import type { PinOptions } from './options.ts';
import { namedImage, verifyCandidate, type PinCandidate } from './verify-candidate.ts';
import { previewPins, writePins, type Decide } from './write.ts';

/** The image to pin, and how it came to be there, if it was not named; or why the pins stay, if they answer for the source. */
type Candidate = (PinCandidate & { readonly came: string | null; readonly found: string | null }) | { readonly unchanged: string };

/** The image to pin: the one named, or the working tree's, which is built if it is not there. */
const candidateOf = async (options: PinOptions, specFile: SpecFile, locations: ImageLocations, context: VerbContext): Promise<Candidate> => {
  const narrowed = options.platforms === undefined ? undefined : parsePlatforms(options.platforms);
  if (options.digest !== undefined)
    return { image: namedImage(options.digest), platforms: narrowed, revision: null, publishedAs: null, came: null, found: null };
  // The image has the platforms of the whole run, as that of the target `buildx`; --platforms says which of them are pinned.
  const built = resolveSettings({ ...options.build, ...options, platforms: options.build?.platforms }, context.env);
  const settings = { ...built, push: built.push && options.dryRun !== true };
  const wish = { settings, pins: true, rebuild: options.rebuild === true, noCache: isUncached(options) };
  const ensured = await ensureBuilt(specFile, requestedBy(options.build ?? {}), wish, locations, context);
  const { image, outcome } = ensured;
  if (outcome === 'pinned') return { unchanged: whyNothing(outcome, image) };
  return {
    came: outcome === 'reused' ? null : `${image.name}: ${howItCame(ensured)}`,
    found: outcome === 'built' ? null : whyNothing(outcome, image),
    image: namedImage(`${image.repository}@${image.index}`),
    platforms: narrowed ?? built.platforms,
    revision: image.revision,
    // A dry run pushes nothing: it looks at the image in the store, and tells the names that the image would have.
    publishedAs: built.push && !settings.push ? publishedRepository(specFile.spec, built.registry) : null,
  };
};

/** @throws ERR_PIN_LOCAL if the image is in the store and the lane pins published images */
const requirePublishable = ({ image, publishedAs }: PinCandidate, { lane }: BuildSettings, { file }: SpecFile, project: string): void => {
  if (!isStoreReference(image) || publishedAs !== null || laneRules(lane).acceptsStorePins) return;
  fail('ERR_PIN_LOCAL', `the image of ${project} is in the local store, and lane ${lane} pins published images`, {
    file,
    fix: 'Push it: --push, or PINLANE_PUSH=true for the whole run.',
  });
};

/** Options that say what is built, pinned or pushed, where everything that is pinned is compared. */
const NOT_REPRODUCING = ['check', 'digest', 'dryRun', 'rebuild', 'platforms', 'push'] as const;

/** @throws ERR_OPTION_INVALID */
const requireAlone = (options: PinOptions): void => {
  const given = NOT_REPRODUCING.filter((name) => options[name] !== undefined && options[name] !== false);
  if (given.length > 0)
    fail('ERR_OPTION_INVALID', `--reproduce builds every platform that is pinned, and keeps nothing of it: ${given.map((name) => `--${name}`).join(', ')}`, {
      fix: 'Leave out one or the other.',
    });
};

/** The outcome where nothing is written, and why. */
const stayed = ({ spec, file }: SpecFile, why: string): VerbOutcome<PinReport> => {
  const report = pinReport(spec, spec, { file, outcome: 'unchanged', explanation: [why] });
  return { document: report, lines: [renderPinReport(report)], exitCode: EXIT.good };
};

/**
 * Writes the digests of a processor's image into its registry.yaml, after verifying the image's bytes; with --check, --reproduce or --dry-run
 * only tells what it finds.
 * @throws ERR_LANE_FORBIDS, ERR_OPTION_INVALID, ERR_PIN_LOCAL, ERR_PIN_UNVERIFIED, ERR_REGISTRY_CONFLICT and whatever building and verifying throw
 */
export const pin = async (options: PinOptions, context: VerbContext): Promise<VerbOutcome<PinReport>> => {
  const { check: checks = false, reproduce: reproduces = false, dryRun = false } = options;
  const settings = resolveSettings({ ...options.build, ...options }, context.env);
  const locations = openLocations(workspacePaths(context.root, settings.lane), {
    insecureRegistries: settings.insecureRegistries,
    signal: context.signal,
    progress: context.progress,
    patience: context.patience,
  });
  // What reproduces believes nothing that was found out before, and leaves nothing behind.
  const specFile = await (reproduces ? readSpec(context) : readSpecIn(settings.lane, context));
  if (reproduces) requireAlone(options);
  if (checks && options.digest !== undefined)
    fail('ERR_OPTION_INVALID', '--check compares the pins with the source, and --digest names another image', { fix: 'Give one of the two.' });
  if (!checks && !reproduces && !dryRun) requireMayPin(settings.lane);
  const part = checks || reproduces ? null : partIn(context.env);
  if (part !== null) {
    const theirs = partOf(context.project, part.of);
    if (theirs !== part.own) return stayed(specFile, `left to part ${theirs} of ${part.of}; this is part ${part.own}`);
  }
  if (options.bundle && options.digest === undefined) await writeBundle(options.bundle, context);
  if (checks) return check(specFile, requestedBy(options.build ?? {}), settings, locations, context);
  if (reproduces) {
    const { reproduce } = await import('./reproduce.ts');
    return reproduce(specFile, { requested: requestedBy(options.build ?? {}), settings, anew: isUncached(options) }, locations, context);
  }

  const candidate = await candidateOf(options, specFile, locations, context);
  if ('unchanged' in candidate) return stayed(specFile, candidate.unchanged);
  requirePublishable(candidate, settings, specFile, context.project);
  context.progress(`verifying ${shortDigest(candidate.image.digest)}`);
  const decide: Decide = async (spec) => {
    const facts = await verifyCandidate(spec, candidate, { lane: settings.lane, dryRun }, locations);
    return { facts, explanation: await explainPins(spec, candidate.image, facts, locations) };
  };
  if (dryRun) {
    const { report, diff } = await previewPins(specFile, decide);
    return { document: report, lines: [renderPinReport(report), ...diff], exitCode: EXIT.good };
  }
  const written = await writePins(specFile, decide, locations.paths.locks, context.signal);
  const isSame = written.outcome === 'unchanged' && candidate.found !== null;
  const report = isSame ? { ...written, explanation: [candidate.found] } : written;
  // The push that led here is over: its image is pinned.
  const pushed = { repository: formatRepository(candidate.image), index: candidate.image.digest };
  await settlePushes({ paths: locations.paths, name: context.project, note: context.note, signal: context.signal }, [pushed]);
  return { document: report, lines: [...(candidate.came === null || isSame ? [] : [candidate.came]), renderPinReport(report)], exitCode: EXIT.good };
};
