import { parseSecrets, secretValues } from '@pinlane/adapters';
import { architectureOf, fail, type BuildPlan, type Built, type BuiltImage } from '@pinlane/contracts';
import { readImage, type Store } from '@pinlane/oci';
import { mayReuse, namesSecret, planBuild, requireMayBuild } from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { readRecord, writeRecord } from '../workspace/build-records.ts';
import { buildImage, type BuildWish } from './build-image.ts';
import type { BuildInputs } from './build-inputs.ts';
import type { ImageLocations } from './locations.ts';
import { ensurePushed } from './push.ts';
import { seenImage } from './seen-image.ts';

/** An image that is in the store, or in the registry it was pushed to, and why it is there. */
export interface EnsuredImage {
  readonly image: BuiltImage;
  /** `reused`: an image with this fingerprint was there and nothing was built. */
  readonly outcome: 'built' | 'reused';
  /** Null if the engine does not tell. */
  readonly layers: Built['layers'];
}

/** Whether the image that a record names says of itself what the record says: for which platforms and from which source it was built. */
const isBorneOut = async ({ index, platforms, fingerprint }: BuiltImage, store: Store): Promise<boolean> => {
  const seen = (await readImage(store, index)).platforms.map(seenImage);
  const same = seen.every((each) => each.digest === platforms[architectureOf(each.platform)] && each.fingerprint === fingerprint);
  return same && seen.length === Object.keys(platforms).length;
};

/** The record of the last build, if it stands for this plan and all of its image is still in the store. */
const reusableImage = async (
  plan: BuildPlan,
  { settings: { engine }, request }: BuildWish,
  { paths, store }: ImageLocations,
  { note }: VerbContext,
): Promise<BuiltImage | null> => {
  const record = await readRecord(paths, plan.slug, note);
  if (record === null || !mayReuse(record, plan, { engine, request })) return null;
  if ((await store.missing(record.index)).length > 0) return null;
  if (await isBorneOut(record, store)) return record;
  note(`WARNING ${paths.record(plan.slug)} is ignored, because the image that it names is not the one that it tells of: it is built anew`);
  return null;
};

/** The values of the secrets that this process knows of, also of those that the build may read; none of them may be a build argument. */
const knownSecrets = async ({ spec }: BuildInputs, { request }: BuildWish, { env, root }: VerbContext): Promise<string[]> => {
  const declared = [...spec.secrets.required, ...spec.secrets.optional];
  const names = new Set([...declared, ...Object.keys(env).filter(namesSecret)]);
  const mounted = await secretValues(parseSecrets(request?.docker.secret ?? [], env), root, env);
  // A file of settings, such as .npmrc, has the secret behind its name.
  const behindNames = mounted.flatMap((line) => (namesSecret(line.slice(0, Math.max(0, line.indexOf('=')))) ? [line.slice(line.indexOf('=') + 1).trim()] : []));
  return [...[...names].flatMap((name) => env[name] ?? []), ...mounted, ...behindNames];
};

/** A lane without secrets hands none to a build either. @throws ERR_LANE_SECRET_SET, ERR_OPTION_INVALID */
const requireNoSecrets = ({ settings: { lane, rules }, request }: BuildWish, env: VerbContext['env']): void => {
  const { secret = [], ssh = [] } = request?.docker ?? {};
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

const planOf = async (inputs: BuildInputs, wish: BuildWish, context: VerbContext): Promise<BuildPlan> => {
  const { lane, platforms, push, registry } = wish.settings;
  return planBuild(inputs.spec, {
    lane,
    platforms,
    push,
    registry,
    buildArgs: inputs.buildArgs,
    bases: Object.fromEntries([...inputs.bases].map(([name, { pinned }]) => [name, pinned])),
    fingerprint: inputs.fingerprint,
    target: inputs.target,
    labels: wish.request?.labels,
    secretValues: await knownSecrets(inputs, wish, context),
  });
};

/** Whether the record already says where the image is and for which task. */
const isRecorded = (recorded: BuiltImage, image: BuiltImage): boolean =>
  (['repository', 'pushed', 'cacheKey'] as const).every((key) => recorded[key] === image[key]);

/**
 * Sees to it that the image of a build's inputs is there: takes the one that was built before if its fingerprint is that of the inputs and
 * it is whole, builds it otherwise, and pushes it if that was asked and it is not there yet. Records what it did.
 * @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE, whatever building and the registry throw
 */
export const ensureBuilt = async (inputs: BuildInputs, wish: BuildWish, locations: ImageLocations, context: VerbContext): Promise<EnsuredImage> => {
  requireMayBuild(wish.settings.lane);
  const plan = await planOf(inputs, wish, context);
  const known = wish.noCache ? null : await reusableImage(plan, wish, locations, context);
  if (known === null) requireNoSecrets(wish, context.env);
  const ensured: EnsuredImage =
    known === null ? { outcome: 'built', ...(await buildImage(plan, inputs, wish, locations, context)) } : { outcome: 'reused', image: known, layers: null };
  // Recorded before it is pushed, so that a run that is killed in the push is not followed by a second build.
  if (known === null) await writeRecord(locations.paths, ensured.image);
  const image = {
    ...ensured.image,
    repository: plan.repository,
    pushed: plan.push,
    ...(wish.cacheKey === undefined ? {} : { cacheKey: wish.cacheKey }),
  };
  if (plan.push) await ensurePushed(image, ensured.image, locations, context);
  if (!isRecorded(ensured.image, image)) await writeRecord(locations.paths, image);
  return { ...ensured, image };
};
