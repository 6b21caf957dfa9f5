import { EXIT, platformOf, type Architecture, type BuiltImage, type Digest, type Lane } from '@pinlane/contracts';
import { headNames } from '@pinlane/adapters';
import { repositoryOf } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { requestedBy } from '../../images/build-request.ts';
import { namingOptions } from '../../images/docker-options.ts';
import { ensureBuilt, howItCame, type EnsuredImage } from '../../images/ensure-built.ts';
import { openLocations } from '../../images/locations.ts';
import { isUncached } from '../../images/options.ts';
import { fillTagNames } from '../../images/tag-names.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import type { BuildSettings } from '../../workspace/settings.ts';
import { readSpecIn } from '../../workspace/known-spec.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';
import { giveNames, requireTags } from './give-names.ts';
import type { BuildxOptions } from './options.ts';

const summary = (image: BuiltImage, ensured: EnsuredImage): string[] => [
  `${image.name}: ${howItCame(ensured)}`,
  ...Object.entries(image.platforms).map(([architecture, digest]) => `  ${platformOf(architecture as Architecture)}  ${image.repository}@${digest as Digest}`),
  `  index        ${image.repository}@${image.index}${image.pushed ? ', pushed' : ''}`,
  ...(image.engine?.reproducible === false ? ['  its attestations tell when it was built: another build of the same source has another index'] : []),
];

/** The spec, once bundling is done: an error in the source comes before one in registry.yaml. */
const readSpecAfter = async (bundling: Promise<unknown>, lane: Lane, context: VerbContext): Promise<SpecFile> => {
  const reading = readSpecIn(lane, context);
  reading.catch(() => undefined);
  await bundling;
  return reading;
};

/** The tags that were asked for, with git's names in their places. @throws ERR_OPTION_INVALID */
const tagsOf = async (tags: readonly string[], { root, env, note }: VerbContext): Promise<readonly string[]> =>
  tags.some((tag) => tag.includes('{')) ? fillTagNames(tags, await headNames(root, env), note) : tags;

/** Builds a processor's image, or finds that it is there, once its source is bundled. @throws what bundling throws, and whatever building throws */
export const buildProcessor = async (
  options: BuildxOptions,
  settings: BuildSettings,
  bundling: Promise<unknown>,
  context: VerbContext,
): Promise<VerbOutcome<BuiltImage>> => {
  const specFile = await readSpecAfter(bundling, settings.lane, context);
  const access = { insecureRegistries: settings.insecureRegistries, signal: context.signal, progress: context.progress, patience: context.patience };
  const locations = openLocations(workspacePaths(context.root, settings.lane), access);
  const { load, ...naming } = namingOptions(options);
  const tags = await tagsOf(naming.tags, context);
  // Before the build, which may take long.
  requireTags(tags, repositoryOf(specFile.spec, settings));
  const noCache = isUncached(options) || settings.rules.fresh;
  const wish = { settings, rebuild: options.rebuild === true, noCache };
  const ensured = await ensureBuilt(specFile, requestedBy(options), wish, locations, context);
  await giveNames(ensured.image, { tags, load, push: settings.push }, locations, context);
  return { document: ensured.image, lines: summary(ensured.image, ensured), exitCode: EXIT.good };
};
