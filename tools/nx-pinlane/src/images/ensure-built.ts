import { join } from 'node:path';
import { parseSecrets, secretValues } from '@pinlane/adapters';
import { fail, type BuildPlan, type Built, type BuiltImage } from '@pinlane/contracts';
import { withLock } from '@pinlane/oci';
import { namesSecret, planBuild, requireMayBuild, type ImageFacts } from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { writeRecord } from '../workspace/build-records.ts';
import type { BuildSettings } from '../workspace/settings.ts';
import type { SpecFile } from '../workspace/spec-file.ts';
import { buildImage, type BuildWish } from './build-image.ts';
import { locateBases } from './bases.ts';
import { blameBaseImage, readBuildInputs, type BuildInputs } from './build-inputs.ts';
import type { BuildRequested } from './build-request.ts';
import { findImage, recordedImage, whyNothing, type FoundBy } from './find-image.ts';
import { useKnownHashes } from './known-hashes.ts';
import type { ImageLocations } from './locations.ts';
import { ensurePushed } from './push.ts';

/** An image that is in the store, or in the registry it was pushed to, and why it is there. */
export interface EnsuredImage {
  readonly image: BuiltImage;
  readonly outcome: 'built' | FoundBy;
  /** Null if the engine does not tell. */
  readonly layers: Built['layers'];
}

/** How an image came to be there, in words. */
export const howItCame = ({ image, outcome, layers }: EnsuredImage): string => {
  if (outcome !== 'built') return `nothing built, ${whyNothing(outcome, image)}`;
  return `built${layers === null ? ` by ${image.engine?.version}` : `, ${layers.built} layers made and ${layers.reused} reused`}`;
};

/** The values of the secrets that this process knows of, also of those that the build may read; none of them may be a build argument. */
const knownSecrets = async ({ spec, request }: BuildInputs, { env, root }: VerbContext): Promise<string[]> => {
  const declared = [...spec.secrets.required, ...spec.secrets.optional];
  const names = new Set([...declared, ...Object.keys(env).filter(namesSecret)]);
  const mounted = await secretValues(parseSecrets(request.docker.secret ?? [], env), root, env);
  // A file of settings, such as .npmrc, has the secret behind its name.
  const behindNames = mounted.flatMap((line) => (namesSecret(line.slice(0, Math.max(0, line.indexOf('=')))) ? [line.slice(line.indexOf('=') + 1).trim()] : []));
  return [...[...names].flatMap((name) => env[name] ?? []), ...mounted, ...behindNames];
};

/** A lane without secrets hands none to a build either. @throws ERR_LANE_SECRET_SET, ERR_OPTION_INVALID */
const requireNoSecrets = ({ request }: BuildInputs, { settings: { lane, rules } }: BuildWish, env: VerbContext['env']): void => {
  const { secret = [], ssh = [] } = request.docker;
  const secrets = parseSecrets(secret, env);
  if (rules.secrets !== 'unset') return;
  if (secrets.length > 0)
    fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and --secret names ${secrets.map(({ id }) => id).join(', ')}`, {
      fix: 'Leave --secret out in this lane, or build what needs it in another.',
    });
  if (ssh.length > 0)
    fail('ERR_LANE_SECRET_SET', `lane ${lane} runs without secrets, and --ssh hands an agent or a key to the build`, {
      fix: 'Leave --ssh out in this lane, or build what needs it in another.',
    });
};

/** What the image of some inputs depends on besides its spec. */
export const imageFacts = async (
  inputs: BuildInputs,
  { platforms, push, registry }: Pick<BuildSettings, 'platforms' | 'push' | 'registry'>,
  context: VerbContext,
): Promise<ImageFacts> => ({
  platforms,
  push,
  registry,
  buildArgs: inputs.buildArgs,
  bases: Object.fromEntries([...inputs.bases].map(([name, { pinned }]) => [name, pinned])),
  fingerprint: inputs.fingerprint,
  target: inputs.target,
  labels: inputs.request.labels,
  secretValues: await knownSecrets(inputs, context),
});

const planOf = async (inputs: BuildInputs, { settings }: BuildWish, context: VerbContext): Promise<BuildPlan> =>
  planBuild(inputs.spec, { lane: settings.lane, ...(await imageFacts(inputs, settings, context)) });

/** Whether the record already says where the image is. */
const isRecorded = (recorded: BuiltImage, image: BuiltImage): boolean => (['repository', 'pushed'] as const).every((key) => recorded[key] === image[key]);

/**
 * Builds the image and records it. Null if a base turned out to be another one than its lock records, so that the inputs have to be read anew.
 */
const buildAnew = async (
  plan: BuildPlan,
  inputs: BuildInputs,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<EnsuredImage | null> => {
  requireNoSecrets(inputs, wish, context.env);
  const places = await locateBases(inputs.bases).catch(blameBaseImage(inputs.baseImage));
  if ([...places].some(([name, { digest }]) => digest !== inputs.bases.get(name)?.digest)) return null;
  const built = await buildImage(plan, inputs, places, wish, locations, context);
  // Recorded before it is pushed, so that a run that is killed in the push is not followed by a second build.
  await writeRecord(locations.paths, built.image);
  return { outcome: 'built', ...built };
};

/** How long another process may take to build the same image, in ms. */
const PATIENCE_MS = 30 * 60 * 1000;

/** The image as it was found or built. Of several processes that build one image the first builds it, and the others find what it built. */
const imageFor = async (
  specFile: SpecFile,
  requested: BuildRequested,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<{ readonly plan: BuildPlan; readonly ensured: EnsuredImage }> => {
  const inputs = await readBuildInputs(specFile, wish.settings, locations, context, requested);
  const plan = await planOf(inputs, wish, context);
  const anew = wish.rebuild || wish.noCache;
  const found = anew ? null : await findImage(plan, specFile, inputs, wish, locations, context);
  if (found !== null) return { plan, ensured: { ...found, layers: null } };
  const { paths } = locations;
  const place = { folder: join(paths.locks, `build-${plan.slug}`), temporary: paths.temporary, patienceMs: PATIENCE_MS, what: `the build of ${plan.slug}` };
  const ensured = await withLock({ ...place, signal: context.signal }, async (): Promise<EnsuredImage | null> => {
    const meanwhile = anew ? null : await recordedImage(plan, inputs, wish, locations, context);
    return meanwhile === null ? buildAnew(plan, inputs, wish, locations, context) : { outcome: 'reused', image: meanwhile, layers: null };
  });
  return ensured === null ? imageFor(specFile, requested, wish, locations, context) : { plan, ensured };
};

/**
 * Sees to it that the image of a processor's source is there: takes the one that is pinned, that was built here before, or that another machine pushed, if
 * its fingerprint is that of the source and it is whole; builds it otherwise, and pushes it if that was asked and it is not there yet. Records what it did.
 * @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE, what `readBuildInputs` throws, whatever building and the registry throw
 */
export const ensureBuilt = async (
  specFile: SpecFile,
  requested: BuildRequested,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<EnsuredImage> => {
  requireMayBuild(wish.settings.lane);
  if (!wish.rebuild && !wish.noCache) useKnownHashes(wish.settings.lane, context);
  const { plan, ensured } = await imageFor(specFile, requested, wish, locations, context);
  // What pins or a tag led to is where they say.
  const elsewhere = ensured.outcome === 'pinned' || ensured.outcome === 'tagged';
  const image = {
    ...ensured.image,
    ...(elsewhere ? {} : { repository: plan.repository, pushed: plan.push }),
  };
  if (plan.push && !elsewhere) await ensurePushed(image, ensured.image, locations, context);
  // Whoever builds on this image finds it by the record, also where it is in a registry alone.
  if (elsewhere || !isRecorded(ensured.image, image)) await writeRecord(locations.paths, image);
  return { ...ensured, image };
};
