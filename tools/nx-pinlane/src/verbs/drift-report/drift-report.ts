import { join, relative } from 'node:path';
import { asPinlaneError, EXIT, fail, formatProblem, HOSTING_NAMES, type DriftReport } from '@pinlane/contracts';
import { hostingOf, renderDriftSummary } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { tellStep } from '../../command/step-summary.ts';
import { writeDriftPage } from '../../deploy/drift-history.ts';
import { outcomeOf } from '../../deploy/drift-lines.ts';
import { lookForDrift, type DriftScope } from '../../deploy/drift.ts';
import { processorFolders } from '../../workspace/nx-json.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { choice } from '../../workspace/settings.ts';
import { readKnownSpec } from '../../workspace/known-spec.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import { keepReport } from './history.ts';
import type { DriftReportOptions } from './options.ts';

type Unread = NonNullable<DriftScope['workspace']>['unread'][number];

/** The processors of the workspace, one after the other; a file that can't be read may claim any app, so it is told. */
const readAll = async function* (context: VerbContext, unread: Unread[]): AsyncGenerator<SpecFile> {
  for (const file of new Set((await processorFolders(context.root)).flatMap((folder) => specFiles(context.root, folder)))) {
    context.signal.throwIfAborted();
    try {
      yield await readKnownSpec(context, file);
    } catch (thrown) {
      const { problems } = asPinlaneError(thrown, { file });
      unread.push({ file, reason: problems.map(({ message }) => message).join('; ') });
    }
  }
};

/** The processors, and the adapter of all of them where none is asked for. @throws ERR_OPTION_INVALID if they have several */
const scopeOf = async (context: VerbContext, asked: DriftReportOptions['adapter']): Promise<DriftScope> => {
  const unread: Unread[] = [];
  const read = readAll(context, unread);
  if (asked !== undefined) return { specs: read, deploy: { adapter: asked }, workspace: { unread } };
  const specs: SpecFile[] = [];
  for await (const spec of read) specs.push(spec);
  const named = [...new Set(specs.map(({ spec }) => hostingOf(undefined, spec)))];
  if (named.length < 2) return { specs, deploy: { adapter: named[0] }, workspace: { unread } };
  return fail('ERR_OPTION_INVALID', `processors are deployed to ${named.join(' and ')}, and a report is of one of them`, { fix: 'Name one: --adapter.' });
};

/**
 * Compares what runs with what is pinned, for all processors of the workspace, and tells of apps that none of them claims. The report stays among the earlier
 * ones of its environment, on the page of all of them, and in the summary of a step of GitHub Actions.
 * @throws what `lookForDrift` throws; ERR_OPTION_INVALID
 */
export const driftReport = async (options: DriftReportOptions, context: VerbContext): Promise<VerbOutcome<DriftReport>> => {
  const { root, env, note } = context;
  const scope = await scopeOf(context, options.adapter ?? choice(env, 'PINLANE_ADAPTER', HOSTING_NAMES));
  const report = await lookForDrift(options, scope, context);
  try {
    const paths = workspacePaths(root, report.lane);
    const just = await keepReport(report, paths);
    const source = { note, inShort: paths.driftInShort, just };
    const page = await writeDriftPage(join(paths.reports, 'drift'), { ...source, now: new Date(report.at), temporaryFolder: paths.temporary });
    await tellStep(env, renderDriftSummary(report));
    return outcomeOf(report, [`page: ${relative(root, page)}`]);
  } catch (thrown) {
    // The verdict is told all the same.
    for (const problem of asPinlaneError(thrown).problems) note(formatProblem(problem));
    const outcome = outcomeOf(report);
    return { ...outcome, exitCode: outcome.exitCode === EXIT.good ? EXIT.error : outcome.exitCode };
  }
};
