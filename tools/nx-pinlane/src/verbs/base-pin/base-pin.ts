import { join, posix } from 'node:path';
import { EXIT, formatProblem, formatRepository, laneRules, parsePinnedReference, parseRepository, shortDigest, type BasePin } from '@pinlane/contracts';
import type { PinnableBase } from '@pinlane/base-node';
import { DEFAULT_REGISTRY, requireMayPin, requireMayPush } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { valueOf } from '../../command/environment.ts';
import { openLocations, type ImageLocations } from '../../images/locations.ts';
import { ensureBasePushed, isBaseThere } from '../../images/published-base.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { settlePushes } from '../../workspace/push-journal.ts';
import { replaceFile } from '../../workspace/replace-file.ts';
import { resolveSettings, type BuildSettings } from '../../workspace/settings.ts';
import type { BasePinOptions } from './options.ts';

type Outcome = VerbOutcome<BasePin>;

/** The repository that a base is pushed to: that of the registry asked for, else the one that base.yaml names, else the default registry's. */
const repositoryOf = ({ published }: PinnableBase, registry: string | undefined, project: string): string => {
  if (registry === undefined && published !== null) return formatRepository(parsePinnedReference(published));
  return formatRepository(parseRepository(`${registry ?? DEFAULT_REGISTRY}/${project}`));
};

/** Why base.yaml does not say where the base of its lock is; empty if it does, or need not. */
const staleness = async (base: PinnableBase, { lane, registry }: BuildSettings, locations: ImageLocations, project: string): Promise<string[]> => {
  const { published, image } = base;
  if (published === null) return laneRules(lane).acceptsStorePins ? [] : ['`published` names nothing, so every machine has to assemble the base'];
  const wanted = `${repositoryOf(base, registry, project)}@${image.index}`;
  if (published !== wanted) return [`\`published\` names ${published}, and the base of the lock is ${wanted}`];
  return (await isBaseThere(base, parsePinnedReference(published), locations)) ? [] : [`${published} is not there, or not whole`];
};

const outcomeOf = (given: Omit<BasePin, 'kind' | 'schemaVersion'>, line: string, exitCode: Outcome['exitCode'] = EXIT.good): Outcome => {
  const document: BasePin = { kind: 'BasePin', schemaVersion: 1, ...given };
  const problem = given.outcome === 'stale' ? [formatProblem({ code: 'ERR_PIN_STALE', file: given.file, message: given.reasons.join('; ') })] : [];
  return { document, lines: [line, ...problem], exitCode };
};

/** Why nothing is to be pinned; null if something is. */
const whyNothing = (options: BasePinOptions, { push }: BuildSettings, { image }: PinnableBase, env: VerbContext['env']): string | null => {
  if (valueOf(env, 'PINLANE_BASE_IMAGE') !== undefined) return 'PINLANE_BASE_IMAGE stands in its place';
  if (options.reproduce === true) return 'a base is held to its lock whenever it is assembled; with --no-cache the processors on it assemble it anew';
  return push ? null : `its digest is the lock's, ${shortDigest(image.index)}; it is published where images are pushed (--push)`;
};

/**
 * Sees to it that the base of a lock is in its registry, and writes where into `published` of base.yaml: pushed first, verified, then written. With --check
 * only tells whether that is so.
 * @throws ERR_LANE_FORBIDS, ERR_BASE_DEFINITION_INVALID, ERR_BASE_LOCK_INVALID, ERR_PIN_UNVERIFIED, ERR_REGISTRY_CONFLICT and what assembling and the registry throw
 */
export const basePin = async (options: BasePinOptions, context: VerbContext): Promise<Outcome> => {
  const { root, project, projectRoot, env, signal, progress, note } = context;
  const { check = false, dryRun = false, reproduce = false } = options;
  const settings = resolveSettings(options, env);
  if (!check && !dryRun && !reproduce) requireMayPin(settings.lane);
  const { readPinnable, withPublished } = await import('@pinlane/base-node');
  const file = posix.join(projectRoot, 'base.yaml');
  const base = await readPinnable(join(root, projectRoot));
  const { index } = base.image;
  const locations = openLocations(workspacePaths(root, settings.lane), { insecureRegistries: settings.insecureRegistries, signal, progress });
  const unchanged = { project, file, index, before: base.published, after: base.published };

  if (check) {
    const reasons = await staleness(base, settings, locations, project);
    const stale = reasons.length > 0;
    const said = `${project}: ${stale ? 'stale' : 'current'}`;
    return outcomeOf({ ...unchanged, outcome: stale ? 'stale' : 'current', reasons }, said, stale ? EXIT.verdict : EXIT.good);
  }
  const nothing = whyNothing(options, settings, base, env);
  if (nothing !== null) return outcomeOf({ ...unchanged, outcome: 'unchanged', reasons: [nothing] }, `${project}: nothing pinned: ${nothing}`);
  requireMayPush(settings.lane);
  const place = { ...parseRepository(repositoryOf(base, settings.registry, project)), digest: index };
  const after = `${formatRepository(place)}@${index}`;
  if (dryRun) {
    const outcome = base.published === after ? 'unchanged' : 'would-pin';
    return outcomeOf({ ...unchanged, after, outcome, reasons: [] }, `${project}: ${outcome}: published: ${after}`);
  }

  const how = await ensureBasePushed(base, place, join(root, projectRoot), locations, context);
  const edit = async (text: string) => {
    const written = withPublished(text, after, { definition: base.definition, file });
    return { text: written.text, value: written.before };
  };
  const before = await replaceFile(join(root, projectRoot, 'base.yaml'), file, locations.paths.locks, edit, signal);
  await settlePushes({ paths: locations.paths, name: project, note, signal }, [{ repository: formatRepository(place), index }]);
  const outcome = before === after ? 'unchanged' : 'pinned';
  return outcomeOf({ ...unchanged, before, after, outcome, reasons: [how] }, `${project}: ${outcome}: published: ${after}, ${how}`);
};
