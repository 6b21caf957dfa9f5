import { asPinlaneError, EXIT, fail, formatProblem, HOSTING_NAMES, type DriftReport } from '@pinlane/contracts';
import { hostingOf } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { outcomeOf } from '../../deploy/drift-lines.ts';
import { lookForDrift, type DriftScope } from '../../deploy/drift.ts';
import { processorFolders } from '../../workspace/nx-json.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { choice } from '../../workspace/settings.ts';
import { readSpecFile, type SpecFile } from '../../workspace/spec-file.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import { keepReport } from './history.ts';
import type { DriftReportOptions } from './options.ts';

/** The processors of the workspace; a file that can't be read may claim any app, so it is told. */
const readAll = async (root: string): Promise<{ readonly specs: SpecFile[]; readonly unread: { readonly file: string; readonly reason: string }[] }> => {
  const [specs, unread]: [SpecFile[], { file: string; reason: string }[]] = [[], []];
  for (const folder of await processorFolders(root))
    for (const file of specFiles(root, folder)) {
      try {
        specs.push(await readSpecFile(root, file));
      } catch (thrown) {
        unread.push({
          file,
          reason: asPinlaneError(thrown, { file })
            .problems.map(({ message }) => message)
            .join('; '),
        });
      }
    }
  return { specs, unread };
};

/** The adapter of all processors, where none is asked for. @throws ERR_OPTION_INVALID if they have several */
const adapterOf = (specs: readonly SpecFile[], asked: DriftReportOptions['adapter']): DriftScope['deploy'] => {
  if (asked !== undefined) return { adapter: asked };
  const named = [...new Set(specs.map(({ spec }) => hostingOf(undefined, spec)))];
  if (named.length < 2) return { adapter: named[0] };
  return fail('ERR_OPTION_INVALID', `processors are deployed to ${named.join(' and ')}, and a report is of one of them`, { fix: 'Name one: --adapter.' });
};

/**
 * Compares what runs with what is pinned, for all processors of the workspace, and tells of apps that none of them claims. The report stays among the earlier
 * ones of its environment.
 * @throws what `lookForDrift` throws; ERR_OPTION_INVALID
 */
export const driftReport = async (options: DriftReportOptions, context: VerbContext): Promise<VerbOutcome<DriftReport>> => {
  const { root, env, note } = context;
  const { specs, unread } = await readAll(root);
  const deploy = adapterOf(specs, options.adapter ?? choice(env, 'PINLANE_ADAPTER', HOSTING_NAMES));
  const report = await lookForDrift(options, { specs, deploy, workspace: { unread } }, context);
  const outcome = outcomeOf(report);
  try {
    await keepReport(report, workspacePaths(root, report.lane));
    return outcome;
  } catch (thrown) {
    // The verdict is told all the same.
    for (const problem of asPinlaneError(thrown).problems) note(formatProblem(problem));
    return { ...outcome, exitCode: outcome.exitCode === EXIT.good ? EXIT.error : outcome.exitCode };
  }
};
