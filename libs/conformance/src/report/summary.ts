import { plainLine, plainText, shortDigest, type AcceptanceReport, type Check } from '@pinlane/contracts';

const failures = (checks: readonly Check[]): string[] => {
  if (checks.length === 0) return [];
  const width = Math.max(...checks.map(({ rule }) => rule.length));
  return ['', 'failed:', ...checks.map(({ rule, message }) => `  ${rule.padEnd(width)}  ${message.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`)];
};

/** The rules that were skipped, grouped by reason, because several are often skipped for one. */
const skips = (checks: readonly Check[]): string[] => {
  if (checks.length === 0) return [];
  const reasons = [...new Set(checks.map(({ message }) => message))];
  const rulesFor = (reason: string): string =>
    checks
      .filter(({ message }) => message === reason)
      .map(({ rule }) => rule)
      .join(', ');
  return ['', 'skipped:', ...reasons.map((reason) => `  ${rulesFor(reason)}: ${reason}`)];
};

/** Which limits were enforced: `limits enforced`, `no limits`, or `limits on` those that were. */
const limitsText = ({ isolation }: AcceptanceReport): string => {
  const limits = isolation.limits ?? {};
  const enforced = Object.entries(limits).flatMap(([name, how]) => (how === 'enforced' ? [name] : []));
  if (enforced.length === 0) return 'no limits';
  return enforced.length === Object.keys(limits).length ? 'limits enforced' : `limits on ${enforced.join(' and ')} alone`;
};

/** How the processor ran: in which runtime and how isolated. */
const runText = (report: AcceptanceReport): string => {
  const { runtime, network, filesystem, emulated } = report.isolation;
  const where = `${runtime}${emulated ? ', emulated' : ''}`;
  if (report.healthyAfterMs === null) return `did not become healthy in ${where}, so its isolation was not measured`;
  return `ran in ${where}, network ${network}, root ${filesystem}, ${limitsText(report)}; healthy after ${report.healthyAfterMs} ms`;
};

/** A report for a person: the verdict, then what failed and what was skipped. */
export const summaryText = (report: AcceptanceReport): string => {
  // A case is named by whoever wrote it, which may be the author of a pull request.
  const checks = report.checks.map((check) => ({ ...check, rule: plainLine(check.rule), message: plainText(check.message) }));
  const of = (wanted: Check['outcome']): Check[] => checks.filter(({ outcome }) => outcome === wanted);
  const [passed, failed, skipped] = [of('passed'), of('failed'), of('skipped')];
  const counts = [`${passed.length} passed`, `${failed.length} failed`, `${skipped.length} skipped`].join(', ');
  return [
    `${report.verdict} ${report.ref} ${report.platform} ${shortDigest(report.digest)}: ${counts} in ${(report.durationMs / 1000).toFixed(1)} s`,
    `  ${runText(report)}`,
    ...failures(failed),
    ...skips(skipped),
    ...(report.log === null ? [] : ['', `log: ${report.log}`]),
  ].join('\n');
};
