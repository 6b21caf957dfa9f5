import { parseSecrets, secretValues } from '@pinlane/adapters';
import { architectureOf, type BuildPlan, type BuiltImage, type Platform } from '@pinlane/contracts';
import type { Store } from '@pinlane/oci';
import { namesSecret, planBuild } from '@pinlane/pipeline';
import type { FlowContext } from '../shell/flow.ts';
import { buildImage, isOpenEnded, variantOf, type BuildRequest } from './engines.ts';
import type { WorkspacePaths } from './paths.ts';
import type { Prepared } from './prepare.ts';
import { ensurePushed } from './push.ts';
import { readRecord, writeRecord } from './records.ts';
import type { BuildSettings } from './settings.ts';

/** What is needed to build what was prepared. */
export interface BuildSite {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly settings: BuildSettings;
  readonly noCache: boolean;
  /** Of the task that builds, to be recorded; absent where the image serves another task. */
  readonly cacheKey?: string | undefined;
  /** What was asked of the build besides its source; absent where whatever was built of the source will do. */
  readonly request?: BuildRequest;
}

/** An image that is in the store, or in the registry it was pushed to, and why it is there. */
export interface Ensured {
  readonly image: BuiltImage;
  /** `reused`: an image with this fingerprint was there and nothing was built. */
  readonly outcome: 'built' | 'reused';
  /** Null where the engine does not tell. */
  readonly layers: { readonly built: number; readonly reused: number } | null;
}

const coversAll = ({ platforms }: BuiltImage, wanted: readonly Platform[]): boolean =>
  wanted.length === Object.keys(platforms).length && wanted.every((platform) => platforms[architectureOf(platform)] !== undefined);

const isAsAsked = ({ engine, variant }: BuiltImage, { settings, request }: BuildSite): boolean =>
  (settings.engine === 'auto' || settings.engine === engine.name) && (request === undefined || (variantOf(request) === variant && !isOpenEnded(request)));

/** The record of the last build where it stands for this plan and all of its image is still in the store. */
const reusable = async (plan: BuildPlan, site: BuildSite): Promise<BuiltImage | null> => {
  const record = await readRecord(site.paths, plan.slug);
  if (record === null || record.fingerprint !== plan.fingerprint || !coversAll(record, plan.platforms) || !isAsAsked(record, site)) return null;
  return (await site.store.missing(record.index)).length === 0 ? record : null;
};

/** The values of the secrets that this process knows of, those that the build may read among them; none of them may be a build argument. */
const knownSecrets = async ({ spec }: Prepared, { request }: BuildSite, { env, root }: FlowContext): Promise<string[]> => {
  const declared = [...spec.secrets.required, ...spec.secrets.optional];
  const names = new Set([...declared, ...Object.keys(env).filter(namesSecret)]);
  const mounted = await secretValues(parseSecrets(request?.docker.secret ?? [], env), root, env);
  // A file of settings, such as .npmrc, has the secret behind its name.
  const behindNames = mounted.flatMap((line) => (namesSecret(line.slice(0, Math.max(0, line.indexOf('=')))) ? [line.slice(line.indexOf('=') + 1).trim()] : []));
  return [...[...names].flatMap((name) => env[name] ?? []), ...mounted, ...behindNames];
};

/**
 * Sees to it that the image of a plan is there: takes the one that was built before where its fingerprint is the plan's and it is whole,
 * builds it otherwise, and pushes it where that was asked and it is not there yet. Records what it did.
 * @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE, whatever building and the registry throw
 */
export const ensureBuilt = async (prepared: Prepared, site: BuildSite, context: FlowContext): Promise<Ensured> => {
  const { lane, platforms, push: wanted, registry } = site.settings;
  const plan = planBuild(prepared.spec, {
    lane,
    projectRoot: context.projectRoot,
    platforms,
    push: wanted,
    registry,
    buildArgs: prepared.buildArgs,
    bases: Object.fromEntries([...prepared.bases].map(([name, { pinned }]) => [name, pinned])),
    fingerprint: prepared.fingerprint,
    target: prepared.target,
    labels: site.request?.labels,
    secretValues: await knownSecrets(prepared, site, context),
  });

  const known = site.noCache ? null : await reusable(plan, site);
  const ensured: Ensured = known ? { image: known, outcome: 'reused', layers: null } : await buildImage(plan, prepared, site, context);
  // Recorded before it is pushed, so that a run that is killed in the push is not followed by a second build.
  if (!known) await writeRecord(site.paths, ensured.image);
  const at = { ...ensured.image, repository: plan.repository, pushed: plan.push, ...(site.cacheKey === undefined ? {} : { cacheKey: site.cacheKey }) };
  if (plan.push) await ensurePushed(at, ensured.image, site, context);
  if ((['repository', 'pushed', 'cacheKey'] as const).some((key) => ensured.image[key] !== at[key])) await writeRecord(site.paths, at);
  return { ...ensured, image: at };
};
