import { EXIT, platformOf, shortDigest, type Architecture, type BuiltImage, type Digest } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { repositoryOf } from '@pinlane/pipeline';
import { isUncached } from '../options/common.ts';
import { dockerOptions, namingOptions } from '../options/docker.ts';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { writeBundle } from './bundle.ts';
import { contextNames } from './engines.ts';
import { ensureBuilt, type Ensured } from './ensure-built.ts';
import { giveNames, headNames, requireTags } from './names.ts';
import { fillTagNames } from './tag-names.ts';
import { workspacePaths } from './paths.ts';
import { prepare, readRegistry } from './prepare.ts';
import { requireMayBuild, resolveSettings } from './settings.ts';

const summary = (image: BuiltImage, { outcome, layers }: Ensured): string[] => [
  outcome === 'reused'
    ? `${image.name}: nothing built, the image with fingerprint ${shortDigest(image.fingerprint)} is there`
    : `${image.name}: built${layers === null ? ` by ${image.engine.version}` : `, ${layers.built} layers made and ${layers.reused} reused`}`,
  ...Object.entries(image.platforms).map(([architecture, digest]) => `  ${platformOf(architecture as Architecture)}  ${image.repository}@${digest as Digest}`),
  `  index        ${image.repository}@${image.index}${image.pushed ? ', pushed' : ''}`,
  ...(image.engine.reproducible === false ? ['  times in its layers are not fixed: another build of the same source may have other digests'] : []),
];

/** Builds a processor's image, or finds that it is there. @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE and whatever building throws */
export const buildx = async (options: OptionsOf<'buildx'>, context: FlowContext): Promise<FlowOutcome> => {
  if (options.skip) return { document: { kind: 'Skipped', schemaVersion: 1 }, lines: ['nothing built: the pinned image is what is used'], exitCode: EXIT.good };
  const settings = resolveSettings(options, context.env);
  requireMayBuild(settings.lane);
  if (options.bundle) await writeBundle(options.bundle, context);
  const paths = workspacePaths(context.root, settings.lane);
  const store = openStore(paths.store);
  const { target, labels, load, ...naming } = namingOptions(options);
  const tags = naming.tags.some((tag) => tag.includes('{')) ? fillTagNames(naming.tags, await headNames(context.root, context.env), context.note) : naming.tags;
  const request = { docker: dockerOptions(options), labels };
  const contexts = contextNames(request);
  const prepared = await prepare(await readRegistry(context), { paths, store, settings, buildArgs: options.buildArgs, target, contexts }, context);
  // Before the build, which may take long.
  requireTags(tags, repositoryOf(prepared.spec, settings));
  const site = { paths, store, settings, noCache: isUncached(options) || settings.rules.fresh, request, cacheKey: context.env['NX_TASK_HASH'] };
  const ensured = await ensureBuilt(prepared, site, context);
  await giveNames(ensured.image, { tags, load }, { store, settings }, context);
  return { document: ensured.image, lines: summary(ensured.image, ensured), exitCode: EXIT.good };
};
