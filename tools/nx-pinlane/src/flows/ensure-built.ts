import { architectureOf, fail, STORE_HOST, type BuildPlan, type BuiltImage, type Platform } from '@pinlane/contracts';
import { headRevision } from '@pinlane/adapters';
import { ASSEMBLER_VERSION, assembleImage, type Store } from '@pinlane/oci';
import { planBuild } from '@pinlane/pipeline';
import type { WorkspacePaths } from './paths.ts';
import type { Prepared } from './prepare.ts';
import { ensurePushed } from './push.ts';
import { readRecord, writeRecord } from './records.ts';
import type { BuildSettings } from './settings.ts';
import type { FlowContext } from '../shell/flow.ts';

/** What is needed to build what was prepared. */
export interface BuildSite {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly settings: BuildSettings;
  readonly noCache: boolean;
}

/** An image that is in the store, or in the registry it was pushed to, and why it is there. */
export interface Ensured {
  readonly image: BuiltImage;
  /** `reused`: an image with this fingerprint was there and nothing was built. */
  readonly outcome: 'built' | 'reused';
  readonly layers: { readonly built: number; readonly reused: number };
}

const coversAll = ({ platforms }: BuiltImage, wanted: readonly Platform[]): boolean =>
  wanted.length === Object.keys(platforms).length && wanted.every((platform) => platforms[architectureOf(platform)] !== undefined);

/** The record of the last build where it stands for this plan and all of its image is still in the store. */
const reusable = async (plan: BuildPlan, { paths, store }: BuildSite): Promise<BuiltImage | null> => {
  const record = await readRecord(paths, plan.slug);
  if (record === null || record.fingerprint !== plan.fingerprint || !coversAll(record, plan.platforms)) return null;
  return (await store.missing(record.index)).length === 0 ? record : null;
};

const build = async (
  plan: BuildPlan,
  { context: files, dockerfile, bases }: Prepared,
  { store, noCache }: BuildSite,
  { progress, note, signal, root }: FlowContext,
): Promise<Ensured> => {
  const { index, platforms, builtLayers, reusedLayers } = await assembleImage({
    context: files,
    dockerfile,
    target: plan.target ?? undefined,
    platforms: plan.platforms,
    buildArgs: plan.buildArgs,
    labels: plan.labels,
    resolveBase: async (name) => bases.get(name) ?? fail('ERR_INTERNAL', `the image ${name} was not among those that the Dockerfile names`),
    store,
    fresh: noCache,
    progress,
    signal,
  });
  await store.name(plan.slug, index);
  const { revision, ...why } = await headRevision(root);
  if ('reason' in why) note(`no revision is recorded: ${why.reason}`);
  return {
    outcome: 'built',
    layers: { built: builtLayers, reused: reusedLayers },
    image: {
      kind: 'BuiltImage',
      schemaVersion: 1,
      name: plan.slug,
      repository: `${STORE_HOST}/${plan.slug}`,
      platforms: Object.fromEntries(Object.entries(platforms).map(([architecture, { digest }]) => [architecture, digest])),
      index: index.digest,
      fingerprint: plan.fingerprint,
      revision,
      engine: { name: 'embedded', version: String(ASSEMBLER_VERSION) },
      bases: plan.bases,
      pushed: false,
    },
  };
};

/**
 * Sees to it that the image of a plan is there: takes the one that was built before where its fingerprint is the plan's and it is whole,
 * builds it otherwise, and pushes it where that was asked and it is not there yet. Records what it did.
 * @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE, whatever assembling and the registry throw
 */
export const ensureBuilt = async (prepared: Prepared, site: BuildSite, context: FlowContext): Promise<Ensured> => {
  const { settings } = site;
  const { lane, platforms, push: wanted, registry } = settings;
  const plan = planBuild(prepared.spec, {
    lane,
    projectRoot: context.projectRoot,
    platforms,
    push: wanted,
    registry,
    buildArgs: prepared.buildArgs,
    bases: Object.fromEntries([...prepared.bases].map(([name, { pinned }]) => [name, pinned])),
    fingerprint: prepared.fingerprint,
  });
  if (settings.engine === 'docker')
    fail('ERR_ENGINE_UNAVAILABLE', 'this version builds with the embedded engine alone', {
      fix: 'Use --engine=embedded, or leave the option and PINLANE_ENGINE out.',
    });

  const known = site.noCache ? null : await reusable(plan, site);
  const ensured: Ensured = known ? { image: known, outcome: 'reused', layers: { built: 0, reused: 0 } } : await build(plan, prepared, site, context);
  // Recorded before it is pushed, so that a run that is killed in the push is not followed by a second build.
  if (!known) await writeRecord(site.paths, ensured.image);
  const at = { ...ensured.image, repository: plan.repository, pushed: plan.push };
  if (plan.push) await ensurePushed(at, ensured.image, site, context);
  if (ensured.image.repository !== at.repository || ensured.image.pushed !== at.pushed) await writeRecord(site.paths, at);
  return { ...ensured, image: at };
};
