import { formatProblem, plainLine, type DriftReport, type Problem } from '@pinlane/contracts';
import { DRIFT_EXIT, renderDriftTable } from '@pinlane/pipeline';
import type { VerbOutcome } from '../command/context.ts';

const problemOf = ({ entries, environment, verdict }: DriftReport): Problem | null => {
  if (verdict === 'in-sync') return null;
  const wanted = entries.filter(({ verdict: each }) => (verdict === 'drift' ? each !== 'in-sync' && each !== 'unverifiable' : each === 'unverifiable'));
  const names = wanted.slice(0, 5).map(({ app }) => plainLine(app));
  const all = `${names.join(', ')}${wanted.length > names.length ? ` and ${wanted.length - names.length} more` : ''}`;
  return verdict === 'drift'
    ? { code: 'ERR_DRIFT', message: `what runs in ${environment} is not what is pinned: ${all}` }
    : { code: 'ERR_DRIFT_UNKNOWN', message: `what runs in ${environment} could not be told: ${all}` };
};

/** What a command tells of a report: 0 if all is in sync, 2 on drift, 1 if something could not be told. @param more lines below the table */
export const outcomeOf = (report: DriftReport, more: readonly string[] = []): VerbOutcome<DriftReport> => {
  const problem = problemOf(report);
  return {
    document: report,
    lines: [...renderDriftTable(report), ...more, ...(problem ? [formatProblem(problem)] : [])],
    exitCode: DRIFT_EXIT[report.verdict],
  };
};
