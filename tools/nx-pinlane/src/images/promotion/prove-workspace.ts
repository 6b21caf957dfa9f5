import { inParallel } from '@pinlane/oci';
import type { Lane, Platform, PromotionReport } from '@pinlane/contracts';
import { promotionReport } from '@pinlane/pipeline';
import type { VerbContext } from '../../command/context.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries } from '../../workspace/settings.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import { newAuditMemory } from '../audit.ts';
import { workspaceOf } from '../evidence-origin.ts';
import { openLocations } from '../locations.ts';
import { openHistory } from './history.ts';
import { proveFile } from './prove.ts';

/** What is asked of the pins of a workspace. */
export interface PromotionQuestion {
  readonly lane: Lane;
  /** The branch of staging as git finds it, by name or commit. */
  readonly staging: string;
  /** The platforms whose evidence is asked for; null for every one that is pinned. */
  readonly platforms: readonly Platform[] | null;
  /** How many processors are looked at at once. */
  readonly concurrency: number;
  readonly insecureRegistry: string[] | undefined;
}

/**
 * Tells of every pin of the commit that is checked out whether staging pinned and accepted it.
 * @throws ERR_PROMOTION_UNKNOWN if this clone has no commit, or no branch of staging; what keeps one file from being told of is in the report
 */
export const proveWorkspace = async (question: PromotionQuestion, context: VerbContext): Promise<PromotionReport> => {
  const { root, env, signal, progress, patience } = context;
  const { lane, staging, platforms, concurrency, insecureRegistry } = question;
  const reach = { insecureRegistries: insecureRegistries(insecureRegistry, env), signal, progress, patience };
  const locations = openLocations(workspacePaths(root, lane), reach);
  const [history, workspace] = await Promise.all([openHistory(context, staging), workspaceOf(root)]);
  const proof = { lane, workspace, history, platforms, locations, memory: newAuditMemory(), context };
  const files = specFiles(root);
  const entries = new Map<string, PromotionReport['entries'][number]>();
  await inParallel(files, concurrency, async (file) => {
    signal.throwIfAborted();
    entries.set(file, await proveFile(file, proof));
    progress(`${entries.size} of ${files.length}: ${file}`);
  });
  return promotionReport(
    { lane, workspace, commit: history.commit, staging: { ref: staging, commit: history.staging } },
    files.map((file) => entries.get(file)!),
  );
};
