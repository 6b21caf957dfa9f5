import { DRIFT_VERDICTS, formatProblem, plainLine, type DriftReport, type Problem } from '@pinlane/contracts';
import { DRIFT_EXIT } from '@pinlane/pipeline';
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

/** A report for people: a line for each app, and how many have which verdict. */
const linesOf = ({ entries, environment, adapter, lane }: DriftReport): string[] => {
  const [names, verdicts] = [Math.max(0, ...entries.map(({ app }) => app.length)), Math.max(0, ...entries.map(({ verdict }) => verdict.length))];
  const counts = DRIFT_VERDICTS.map((verdict) => [verdict, entries.filter((entry) => entry.verdict === verdict).length] as const);
  const told = counts.flatMap(([verdict, count]) => (count === 0 ? [] : [`${count} ${verdict}`]));
  const summary = told.join(', ') || 'nothing should run, and nothing does';
  return [
    ...entries.map(({ app, verdict, message }) => `${plainLine(app).padEnd(names)}  ${verdict.padEnd(verdicts)}  ${plainLine(message)}`),
    `${environment} on ${adapter}, lane ${lane}: ${summary}`,
  ];
};

/** What a command tells of a report: 0 if all is in sync, 2 on drift, 1 if something could not be told. */
export const outcomeOf = (report: DriftReport): VerbOutcome<DriftReport> => {
  const problem = problemOf(report);
  return { document: report, lines: [...linesOf(report), ...(problem ? [formatProblem(problem)] : [])], exitCode: DRIFT_EXIT[report.verdict] };
};
