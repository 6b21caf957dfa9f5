import { asPinlaneError, EXIT, fail, formatProblem, laneRules, parsePlatforms, type Lane, type PromotionReport } from '@pinlane/contracts';
import { renderPromotion } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { proveWorkspace } from '../../images/promotion/prove-workspace.ts';
import { writeOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { resolveLane } from '../../workspace/settings.ts';
import type { PromotionOptions } from './options.ts';

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
  const { root, env, note } = context;
  const { staging, concurrency, insecureRegistry } = options;
  const lane = resolveLane(options.lane, env);
  requirePinning(lane);
  const platforms = options.platforms === undefined ? null : parsePlatforms(options.platforms);
  const report = await proveWorkspace({ lane, staging, platforms, concurrency, insecureRegistry }, context);
  const paths = workspacePaths(root, lane);
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
