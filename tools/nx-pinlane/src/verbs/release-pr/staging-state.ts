import { join } from 'node:path';
import { checksOf, type Clone, type GitHubClient } from '@pinlane/adapters';
import { asPinlaneError, isPinlaneError, parsePlatforms, type Problem } from '@pinlane/contracts';
import { driftOfRelease, notGreen, promotionProblems, type CheckFacts, type ReleaseFacts } from '@pinlane/pipeline';
import type { VerbContext } from '../../command/context.ts';
import { readDriftHistory } from '../../deploy/drift-history.ts';
import { proveWorkspace } from '../../images/promotion/prove-workspace.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { watchedCommits } from './facts.ts';
import type { ReleasePrOptions } from './options.ts';

/** The lane whose images, reports and pins are looked at. */
const LANE = 'staging';

/** What was found of staging, and everything that keeps it from being promoted. */
export interface StagingState extends Pick<ReleaseFacts, 'promotion' | 'checks' | 'drift'> {
  readonly problems: readonly Problem[];
}

/** What could not be told is a problem among others. @throws only what says that the command was stopped */
const attempt = async <T>(problems: Problem[], { signal }: VerbContext, none: T, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    problems.push(...asPinlaneError(thrown).problems);
    return none;
  }
};

/**
 * Looks at staging's tip, which is checked out: its pins with their evidence, the checks of its commits, and the reports of drift in `.pinlane/reports/drift`.
 * @param github null if there is no token: then nothing is known of the checks
 * @throws ERR_OPTION_INVALID, ERR_CANCELLED
 */
export const stagingState = async (
  { tip, clone, github }: { readonly tip: string; readonly clone: Clone; readonly github: GitHubClient | null },
  { staging, platforms, concurrency, insecureRegistry }: ReleasePrOptions,
  context: VerbContext,
): Promise<StagingState> => {
  const problems: Problem[] = [];
  const asked = platforms === undefined ? null : parsePlatforms(platforms);
  const nothing: ReleaseFacts['promotion'] = { entries: [] };
  const promotion = await attempt(problems, context, nothing, () =>
    proveWorkspace({ lane: LANE, staging: tip, platforms: asked, concurrency, insecureRegistry }, context),
  );
  problems.push(...promotionProblems(promotion));
  const checks = await attempt<readonly CheckFacts[] | null>(problems, context, null, async () => {
    if (github === null) return null;
    const watched = await watchedCommits(tip, clone);
    const found: CheckFacts[] = [];
    for (const { commit } of watched) found.push(...(await checksOf(github, commit, staging)));
    problems.push(...notGreen(watched, found));
    return found;
  });
  const reports = readDriftHistory(join(workspacePaths(context.root, LANE).reports, 'drift'), context.note);
  const drift = driftOfRelease(reports, { commit: tip, now: Date.now() });
  problems.push(...drift.problems);
  return { promotion, checks, drift: drift.drift, problems };
};
