import { inParallel } from '@pinlane/oci';
import { asPinlaneError, EXIT, fail, formatProblem, laneRules, parsePlatforms, type Lane, type Platform, type PromotionReport } from '@pinlane/contracts';
import { promotionReport, renderPromotion } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { newAuditMemory } from '../../images/audit.ts';
import { workspaceOf } from '../../images/evidence-origin.ts';
import { openLocations } from '../../images/locations.ts';
import { writeOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries, resolveLane } from '../../workspace/settings.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import { openHistory } from './history.ts';
import type { PromotionOptions } from './options.ts';
import { proveFile } from './prove.ts';

const EXIT_CODES = { promoted: EXIT.good, refused: EXIT.verdict, unknown: EXIT.error };

/** @throws ERR_LANE_FORBIDS in a lane that believes nothing that was built before */
const requirePinning = (lane: Lane): void => {
  if (laneRules(lane).imageUnderTest === 'working-tree' && lane !== 'local')
    fail('ERR_LANE_FORBIDS', `lane ${lane} tests the working tree, and nothing that is pinned`);
};

/**
 * Tells of every pin of the workspace whether staging pinned and accepted it, and writes the report beside the others. A pin that is not promoted is a verdict:
 * exit code 2. If anything could not be told it is 1.
 * @throws ERR_OPTION_INVALID, ERR_LANE_UNKNOWN, ERR_LANE_FORBIDS; ERR_PROMOTION_UNKNOWN if this clone has no commit, or no branch of staging
 */
export const promotion = async (options: PromotionOptions, context: VerbContext): Promise<VerbOutcome<PromotionReport>> => {
  const { root, env, signal, progress, note, patience } = context;
  const lane = resolveLane(options.lane, env);
  requirePinning(lane);
  const platforms: readonly Platform[] | null = options.platforms === undefined ? null : parsePlatforms(options.platforms);
  const paths = workspacePaths(root, lane);
  const locations = openLocations(paths, { insecureRegistries: insecureRegistries(options.insecureRegistry, env), signal, progress, patience });
  const [history, workspace] = await Promise.all([openHistory(context, options.staging), workspaceOf(root)]);
  const proof = { lane, workspace, history, platforms, locations, memory: newAuditMemory(), context };
  const files = specFiles(root);
  const entries = new Map<string, PromotionReport['entries'][number]>();
  await inParallel(files, options.concurrency, async (file) => {
    signal.throwIfAborted();
    entries.set(file, await proveFile(file, proof));
    progress(`${entries.size} of ${files.length}: ${file}`);
  });
  const report = promotionReport(
    { lane, workspace, commit: history.commit, staging: { ref: options.staging, commit: history.staging } },
    files.map((file) => entries.get(file)!),
  );
  const outcome = { document: report, lines: renderPromotion(report), exitCode: EXIT_CODES[report.verdict] };
  try {
    await writeOwnFile(paths.promotion, report, paths.temporary);
    return outcome;
  } catch (thrown) {
    // The verdict is told all the same.
    for (const problem of asPinlaneError(thrown, { file: paths.promotion }).problems) note(formatProblem(problem));
    return { ...outcome, exitCode: outcome.exitCode === EXIT.good ? EXIT.error : outcome.exitCode };
  }
};
