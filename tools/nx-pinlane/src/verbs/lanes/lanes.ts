import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { EXIT, plainLine, type LanesReport } from '@pinlane/contracts';
import { lanesReport, renderLanesPage, renderLanesSummary, renderLanesTable } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { tellStep } from '../../command/step-summary.ts';
import { writeDriftPage } from '../../deploy/drift-history.ts';
import { replaceOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { readLanes } from './history.ts';
import type { LanesOptions } from './options.ts';
import { readReports } from './reports.ts';

/**
 * Renders the page of lanes from git and reports, and asks nobody else. Where there is a page of drift, each leads to the other.
 * @throws ERR_GIT_UNUSABLE if none of the branches is in this clone, ERR_OPTION_INVALID, ERR_CANCELLED, and the system's errors if the page can't be written
 */
export const lanes = async (options: LanesOptions, context: VerbContext): Promise<VerbOutcome<LanesReport>> => {
  const { root, env, note } = context;
  const paths = workspacePaths(root, 'local');
  const now = new Date();
  const history = await readLanes(context, options);
  const reports = readReports(resolve(root, options.reports), note);
  const report = lanesReport(history.lanes, { commits: history.commits, reports, at: now.toISOString() });
  for (const { lane, tip, partial } of report.lanes) {
    if (!tip.known) note(`WARNING lane ${lane} is not told of: ${tip.reason}`);
    else if (partial !== null) note(`WARNING lane ${lane}: ${partial}`);
  }
  const [page, driftFolder] = [join(paths.reports, 'lanes/index.html'), join(paths.reports, 'drift')];
  const hasDrift = existsSync(join(driftFolder, 'index.html'));
  await replaceOwnFile(page, renderLanesPage({ report, drift: hasDrift ? '../drift/index.html' : null }), { temporaryFolder: paths.temporary });
  // It was made before there was a page that it could lead to.
  if (hasDrift) await writeDriftPage(driftFolder, { now, note, inShort: paths.driftInShort, temporaryFolder: paths.temporary });
  await tellStep(env, renderLanesSummary(report));
  return { document: report, lines: [...renderLanesTable(report), `page: ${plainLine(relative(root, page))}`], exitCode: EXIT.good };
};
