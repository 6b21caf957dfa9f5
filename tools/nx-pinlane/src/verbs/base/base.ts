import { join } from 'node:path';
import { EXIT, laneRules, platformOf, shortDigest, type Architecture, type BuiltImage, type Digest, type Skipped } from '@pinlane/contracts';
import { requireMayBuild } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { openLocations, openRegistry } from '../../images/locations.ts';
import { isUncached, skipped } from '../../images/options.ts';
import { writeRecord } from '../../workspace/build-records.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries, resolveLane } from '../../workspace/settings.ts';
import type { BaseOptions } from './options.ts';

/** Assembles the base from its lock, for every platform, and records it. @throws ERR_LANE_FORBIDS and as `buildBase` */
export const base = async (options: BaseOptions, context: VerbContext): Promise<VerbOutcome<BuiltImage | Skipped>> => {
  if (options.skip) return { document: skipped, lines: ['nothing built: the pinned image is what is used'], exitCode: EXIT.good };
  const { root, projectRoot, env, signal } = context;
  const lane = resolveLane(options.lane, env);
  requireMayBuild(lane);
  const { paths, store, access } = openLocations(workspacePaths(root, lane), {
    insecureRegistries: insecureRegistries(options.insecureRegistry, env),
    signal,
    progress: context.progress,
  });
  const { buildBase } = await import('@pinlane/base-node');
  const image = await buildBase({
    root,
    name: context.project,
    baseDir: join(root, projectRoot),
    env,
    signal,
    progress: context.progress,
    store,
    folder: join(paths.cache, 'base'),
    noCache: isUncached(options) || laneRules(lane).fresh,
    openRegistry: (repository) => openRegistry(repository, access),
  });
  await writeRecord(paths, image);
  const platforms = Object.entries(image.platforms).map(([architecture, digest]) => `${platformOf(architecture as Architecture)}  ${digest as Digest}`);
  return { document: image, lines: [`${image.name}: index ${shortDigest(image.index)}`, ...platforms], exitCode: EXIT.good };
};
