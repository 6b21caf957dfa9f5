import { join } from 'node:path';
import { buildBase, updateBase } from '@pinlane/base-node';
import { EXIT, laneRules, platformOf, shortDigest, type Architecture, type Digest } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { isUncached } from '../options/common.ts';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { workspacePaths } from './paths.ts';
import { writeRecord } from './records.ts';
import { openRegistry } from './registries.ts';
import { insecureRegistries, requireMayBuild, resolveLane } from './settings.ts';

const site = ({ root, projectRoot, env, progress, signal }: FlowContext) => ({ root, baseDir: join(root, projectRoot), env, progress, signal });

/** Assembles the base from its lock, for every platform, and records it. @throws ERR_LANE_FORBIDS and as `buildBase` */
export const base = async (options: OptionsOf<'base'>, context: FlowContext): Promise<FlowOutcome> => {
  if (options.skip) return { document: { kind: 'Skipped', schemaVersion: 1 }, lines: ['nothing built: the pinned image is what is used'], exitCode: EXIT.good };
  const lane = resolveLane(options.lane, context.env);
  requireMayBuild(lane);
  const insecure = insecureRegistries(options.insecureRegistry, context.env);
  const paths = workspacePaths(context.root, lane);
  // What the base says is about its sources (a locked version that is gone, a base that was published), so it stays in the log.
  const image = await buildBase({
    ...site(context),
    progress: context.note,
    store: openStore(paths.store),
    lane,
    folder: join(paths.cache, 'base'),
    noCache: isUncached(options) || laneRules(lane).fresh,
    openRegistry: (repository) => openRegistry(repository, { insecureRegistries: insecure, signal: context.signal }),
  });
  await writeRecord(paths, image);
  const platforms = Object.entries(image.platforms).map(([architecture, digest]) => `${platformOf(architecture as Architecture)}  ${digest as Digest}`);
  return { document: image, lines: [`${image.name}: index ${shortDigest(image.index)}`, ...platforms], exitCode: EXIT.good };
};

/** Resolves the base's packages anew, writes the lock and says what changed. @throws as `updateBase` */
export const baseUpdate = async (_options: OptionsOf<'base-update'>, context: FlowContext): Promise<FlowOutcome> => {
  const { lockFile, written, changes, summary } = await updateBase(site(context));
  const lines = written ? summary : ['the lock is up to date'];
  return { document: { kind: 'BaseUpdate', schemaVersion: 1, lockFile, written, changes }, lines, exitCode: EXIT.good };
};
