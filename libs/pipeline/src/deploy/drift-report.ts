import { EXIT, type DeployEnvironment, type DriftEntry, type DriftReport, type DriftVerdict, type ExitCode } from '@pinlane/contracts';

/** Verdicts that are drift, wherever. */
const AGAINST: readonly DriftVerdict[] = ['drifted', 'missing', 'stopped'];

/** Whether an entry is a finding. In dev, which people share, an app that this workspace does not claim is somebody's: it is told with its age, and no more. */
const isAgainst = ({ verdict }: DriftEntry, environment: DeployEnvironment): boolean =>
  AGAINST.includes(verdict) || (verdict === 'orphan' && environment !== 'dev');

/** The verdict on all entries of an environment. What is known to differ outweighs what could not be told. */
export const driftVerdict = (entries: readonly DriftEntry[], environment: DeployEnvironment): DriftReport['verdict'] => {
  if (entries.some((entry) => isAgainst(entry, environment))) return 'drift';
  return entries.some(({ verdict }) => verdict === 'unverifiable') ? 'unknown' : 'in-sync';
};

/** The exit code of a verdict. */
export const DRIFT_EXIT = { 'in-sync': EXIT.good, drift: EXIT.verdict, unknown: EXIT.error } as const satisfies Record<DriftReport['verdict'], ExitCode>;

/** The report of some entries, those with a finding first, each group by name. */
export const driftReport = (facts: Omit<DriftReport, 'kind' | 'schemaVersion' | 'verdict' | 'entries'>, entries: readonly DriftEntry[]): DriftReport => {
  const rank = (entry: DriftEntry): number =>
    isAgainst(entry, facts.environment) ? 0 : entry.verdict === 'unverifiable' ? 1 : entry.verdict === 'orphan' ? 2 : 3;
  const sorted = [...entries].sort((a, b) => rank(a) - rank(b) || Number(a.app > b.app) - Number(a.app < b.app));
  return { kind: 'DriftReport', schemaVersion: 1, ...facts, verdict: driftVerdict(entries, facts.environment), entries: sorted };
};
