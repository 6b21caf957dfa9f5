import {
  EXIT,
  fail,
  formatProblem,
  formatRepository,
  isStoreReference,
  laneRules,
  parsePlatforms,
  PinlaneError,
  PLATFORMS,
  shortDigest,
  type PinReport,
  type Problem,
  type ProcessorSpec,
} from '@pinlane/contracts';
import { openStore, type Store } from '@pinlane/oci';
import { applyPins, checkPins, isVerdictOnPin, parseSpec, pinReport, planPins, publishedRepository, renderPinReport, type PinFacts } from '@pinlane/pipeline';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { auditPins } from './audit-pins.ts';
import { ensureBuilt } from './ensure-built.ts';
import { explainPins } from './explain-pins.ts';
import { settlePushes } from './journal.ts';
import { workspacePaths, type WorkspacePaths } from './paths.ts';
import { namedImage, verifyCandidate, type PinCandidate } from './pin-image.ts';
import { prepare, readSpec, type SpecFile } from './prepare.ts';
import type { RegistryAccess } from './registries.ts';
import { replaceFile } from './replace-file.ts';
import { requireMayPin, resolveSettings, type BuildSettings } from './settings.ts';
import { textDiff } from './text-diff.ts';

interface PinSite {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly settings: BuildSettings;
}

const accessOf = ({ settings }: PinSite, { signal }: FlowContext): RegistryAccess => ({ insecureRegistries: settings.insecureRegistries, signal });

/** Whether source and pins have parted, or a pin is not what it should be. Nothing is built and nothing is written. */
const check = async (registry: SpecFile, site: PinSite, context: FlowContext): Promise<FlowOutcome> => {
  const { spec, file } = registry;
  const { fingerprint } = await prepare(registry, site, context);
  const { findings, remarks } = await auditPins(spec, file, {
    store: site.store,
    access: accessOf(site, context),
    lane: site.settings.lane,
    hashed: new Set(),
    silent: new Map(),
  });
  const [unknown, ...more] = findings.filter((finding) => !isVerdictOnPin(finding));
  if (unknown) throw new PinlaneError([unknown, ...more].map(({ code, message }) => ({ code, message, file })) as [Problem, ...Problem[]]);
  const platforms = site.settings.platforms.length > 0 ? site.settings.platforms : PLATFORMS;
  const { outcome, reasons } = checkPins(spec, { fingerprint, platforms, findings });
  const report = pinReport(spec, spec, { file, outcome, reasons });
  const lines = [renderPinReport(report), ...remarks.map((remark) => `  remark: ${remark}`)];
  if (outcome === 'current') return { document: report, lines, exitCode: EXIT.good };
  const problem = formatProblem({ code: 'ERR_PIN_STALE', file, message: reasons.join('; ') });
  return { document: report, lines: [...lines, problem], exitCode: EXIT.verdict };
};

/** The image to pin: the one named, or the working tree's, which is built where it is not there. */
const candidateOf = async (options: OptionsOf<'pin'>, registry: SpecFile, site: PinSite, context: FlowContext): Promise<PinCandidate> => {
  const narrowed = options.platforms === undefined ? undefined : parsePlatforms(options.platforms);
  if (options.digest !== undefined) {
    const image = namedImage(options.digest);
    return { image, platforms: narrowed, revision: null, publishedAs: null };
  }
  const prepared = await prepare(registry, site, context);
  // The build has the platforms of the whole run, as the `buildx` before it had; --platforms says which of them are pinned.
  const built = resolveSettings({ ...options, platforms: undefined }, context.env);
  const settings = { ...built, push: built.push && options.dryRun !== true };
  const { image } = await ensureBuilt(prepared, { ...site, settings, noCache: false }, context);
  return {
    image: namedImage(`${image.repository}@${image.index}`),
    platforms: narrowed ?? built.platforms,
    revision: image.revision,
    // A dry run pushes nothing: it looks at the image in the store, and tells the names that it would have.
    publishedAs: built.push && !settings.push ? publishedRepository(registry.spec, built.registry) : null,
  };
};

/** What is to be pinned beside the pins of a spec, some of which may stay, and why it is another image than theirs. */
type Decide = (spec: ProcessorSpec) => Promise<{ readonly facts: PinFacts; readonly explanation: readonly string[] }>;

const write = async (registry: SpecFile, decide: Decide, site: PinSite, dryRun: boolean): Promise<{ report: PinReport; diff: string[] }> => {
  const { file, path } = registry;
  const decided = await decide(registry.spec);
  const edit = (text: string, before: ProcessorSpec, { facts }: Awaited<ReturnType<Decide>>) => {
    const after = applyPins(text, planPins(before, facts), { file });
    return { after, spec: after === text ? before : parseSpec(after, { file }).spec };
  };
  if (dryRun) {
    const { after, spec } = edit(registry.text, registry.spec, decided);
    const outcome = after === registry.text ? 'unchanged' : 'would-pin';
    return { report: pinReport(registry.spec, spec, { file, outcome, explanation: decided.explanation }), diff: textDiff(registry.text, after) };
  }
  const report = await replaceFile(path, file, site.paths.locks, async (text) => {
    const same = text === registry.text;
    const before = same ? registry.spec : parseSpec(text, { file }).spec;
    if (before.ref !== registry.spec.ref) fail('ERR_REGISTRY_CONFLICT', `the ref changed from ${registry.spec.ref} to ${before.ref} meanwhile`, { file });
    // Who pinned meanwhile may have pinned the platform whose old pin was to stay.
    const now = same ? decided : await decide(before);
    const { after, spec } = edit(text, before, now);
    return { text: after, value: pinReport(before, spec, { file, outcome: after === text ? 'unchanged' : 'pinned', explanation: now.explanation }) };
  });
  return { report, diff: [] };
};

/**
 * Writes the digests of a processor's image into its registry.yaml, after verifying the image's bytes; with --check or --dry-run only
 * tells what it finds.
 * @throws ERR_LANE_FORBIDS, ERR_PIN_LOCAL, ERR_PIN_UNVERIFIED, ERR_REGISTRY_CONFLICT and whatever building and verifying throw
 */
export const pin = async (options: OptionsOf<'pin'>, context: FlowContext): Promise<FlowOutcome> => {
  const settings = resolveSettings(options, context.env);
  const paths = workspacePaths(context.root, settings.lane);
  const site: PinSite = { paths, store: openStore(paths.store), settings };
  const registry = await readSpec(context);
  if (options.check === true && options.digest !== undefined)
    fail('ERR_OPTION_INVALID', '--check compares the pins with the source, and --digest names another image', { fix: 'Give one of the two.' });
  if (options.check === true) return check(registry, site, context);
  if (options.dryRun !== true) requireMayPin(settings.lane);

  const candidate = await candidateOf(options, registry, site, context);
  if (isStoreReference(candidate.image) && candidate.publishedAs === null && !laneRules(settings.lane).acceptsStorePins)
    fail('ERR_PIN_LOCAL', `the image of ${context.project} is in the local store, and lane ${settings.lane} pins published images`, {
      file: registry.file,
      fix: 'Push it: --push, or PINLANE_PUSH=true for the whole run.',
    });
  context.progress(`verifying ${context.project} ${shortDigest(candidate.image.digest)}`);
  const dryRun = options.dryRun === true;
  const verifying = { store: site.store, access: accessOf(site, context), lane: settings.lane, dryRun };
  const decide: Decide = async (spec) => {
    const facts = await verifyCandidate(spec, candidate, verifying);
    return { facts, explanation: await explainPins(spec, candidate.image, facts, verifying) };
  };
  const { report, diff } = await write(registry, decide, site, dryRun);
  // The push that led here is over: what it put into the registry is pinned.
  if (!dryRun)
    await settlePushes({ paths, name: context.project, note: context.note }, [
      { repository: formatRepository(candidate.image), index: candidate.image.digest },
    ]);
  return { document: report, lines: [renderPinReport(report), ...diff], exitCode: EXIT.good };
};
