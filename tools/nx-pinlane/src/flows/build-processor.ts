import { EXIT, platformOf, shortDigest, type Architecture, type BuiltImage, type Digest } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { repositoryOf } from '@pinlane/pipeline';
import { isUncached } from '../options/common.ts';
import { buildArguments, dockerOptions, namingOptions } from '../options/docker.ts';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { contextNames } from './engines.ts';
import { ensureBuilt, type Ensured } from './ensure-built.ts';
import { giveNames, headNames, requireTags } from './names.ts';
import { fillTagNames } from './tag-names.ts';
import { workspacePaths } from './paths.ts';
import { prepare, readSpec } from './prepare.ts';
import type { BuildSettings } from './settings.ts';

const summary = (image: BuiltImage, { outcome, layers }: Ensured): string[] => [
  outcome === 'reused'
    ? `${image.name}: nothing built, the image with fingerprint ${shortDigest(image.fingerprint)} is there`
    : `${image.name}: built${layers === null ? ` by ${image.engine.version}` : `, ${layers.built} layers made and ${layers.reused} reused`}`,
  ...Object.entries(image.platforms).map(([architecture, digest]) => `  ${platformOf(architecture as Architecture)}  ${image.repository}@${digest as Digest}`),
  `  index        ${image.repository}@${image.index}${image.pushed ? ', pushed' : ''}`,
  ...(image.engine.reproducible === false ? ['  its attestations tell when it was built: another build of the same source has another index'] : []),
];

/** Builds a processor's image, or finds that it is there, once its source is bundled. @throws what bundling throws, and whatever building throws */
export const buildProcessor = async (
  options: OptionsOf<'buildx'>,
  settings: BuildSettings,
  bundling: Promise<unknown>,
  context: FlowContext,
): Promise<FlowOutcome> => {
  const reading = readSpec(context);
  // What is wrong with the source comes first.
  reading.catch(() => undefined);
  await bundling;
  const registry = await reading;
  const paths = workspacePaths(context.root, settings.lane);
  const store = openStore(paths.store);
  const { target, labels, load, ...naming } = namingOptions(options);
  const tags = naming.tags.some((tag) => tag.includes('{')) ? fillTagNames(naming.tags, await headNames(context.root, context.env), context.note) : naming.tags;
  const request = { docker: dockerOptions(options), labels };
  const contexts = contextNames(request);
  const prepared = await prepare(registry, { paths, store, settings, buildArgs: buildArguments(options.buildArgs), target, contexts }, context);
  // Before the build, which may take long.
  requireTags(tags, repositoryOf(prepared.spec, settings));
  const site = { paths, store, settings, noCache: isUncached(options) || settings.rules.fresh, request, cacheKey: context.env['NX_TASK_HASH'] };
  const ensured = await ensureBuilt(prepared, site, context);
  await giveNames(ensured.image, { tags, load }, { store, settings }, context);
  return { document: ensured.image, lines: summary(ensured.image, ensured), exitCode: EXIT.good };
};
