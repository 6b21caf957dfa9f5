import {
  acceptanceReportSchema,
  laneRules,
  parsePinnedReference,
  plainLine,
  shortDigest,
  type AcceptanceReport,
  type Digest,
  type EvidenceFound,
  type Lane,
  type Platform,
  type Problem,
  type Ref,
} from '@pinlane/contracts';

/** The image that a report must be about. */
export interface EvidenceSubject {
  readonly ref: Ref;
  /** The platform manifest's digest. */
  readonly digest: Digest;
  readonly platform: Platform;
}

/** Why a report is no evidence for an image, whatever it claims; null if it is evidence. */
export const whyNoEvidence = (report: AcceptanceReport, { ref, digest, platform }: EvidenceSubject): string | null => {
  if (report.digest !== digest || parsePinnedReference(report.image).digest !== digest) return `it is about ${shortDigest(report.digest)}`;
  if (report.ref !== ref || report.platform !== platform) return `it is about ${report.ref} for ${report.platform}`;
  if (!report.pinned) return 'it is about an image that was not pinned';
  if (report.verdict !== 'accepted') return 'its verdict is not that the image was accepted';
  // Pinlane derives the verdict from the checks. A report whose checks say otherwise was not written by Pinlane.
  const failed = report.checks.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => rule);
  if (failed.length > 0) return `it calls accepted what failed ${failed.slice(0, 5).join(', ')}`;
  if (!report.checks.some(({ outcome }) => outcome === 'passed')) return 'nothing was checked';
  if (report.isolation.runtime === 'host' || report.isolation.network !== 'blocked') return 'the network was not blocked';
  return null;
};

/** Parses the text of an attached report, strictly. @returns the report, or why it is none */
export const parseEvidence = (text: string): { readonly report: AcceptanceReport } | { readonly reason: string } => {
  try {
    const { data } = acceptanceReportSchema.omit({ evidence: true }).safeParse(JSON.parse(text));
    return data === undefined ? { reason: 'it is not an AcceptanceReport of a kind that is known' } : { report: data };
  } catch {
    return { reason: 'it is not JSON' };
  }
};

/** The text of a report for attaching it to an image: without the evidence that was found there before. */
export const evidenceText = ({ evidence: _, ...report }: AcceptanceReport): string => JSON.stringify(report);

const outcomesOf = ({ lane, origin, isolation, checks }: AcceptanceReport): string =>
  JSON.stringify([lane, origin?.workspace ?? null, isolation, checks.map(({ rule, outcome }) => `${outcome} ${rule}`).sort()]);

/** Whether two reports have the same lane of the same workspace, the same isolation and the same outcome of each check. Times do not count. */
export const saysTheSame = (a: AcceptanceReport, b: AcceptanceReport): boolean => outcomesOf(a) === outcomesOf(b);

/** Whether a lane looks for evidence unless told otherwise: it does if it tests images that another lane accepted. */
export const looksForEvidence = (lane: AcceptanceReport['lane']): boolean => laneRules(lane).imageUnderTest === 'pinned' && !laneRules(lane).attaches;

/**
 * The newest report that lets an image be tested or deployed in a lane, or what is wrong without one: lane main takes what lane staging accepted, and the others
 * what any lane did.
 */
export const evidenceFor = (
  { found, ignored }: EvidenceFound,
  { lane, digest }: { readonly lane: Lane; readonly digest: Digest },
): { readonly artifact: Digest } | { readonly problem: Problem } => {
  const wanted = laneRules(lane).evidenceOf;
  const fitting = found.find((each) => wanted === null || each.lane === wanted);
  if (fitting !== undefined) return { artifact: fitting.artifact };
  const others = [...new Set(found.map((each) => each.lane))];
  const seen = [...others.map((other) => `one of lane ${other}`), ...ignored.map(({ reason }) => `one that is none: ${plainLine(reason)}`)];
  const whose = wanted === null ? 'a' : `lane ${wanted}'s`;
  const message = `${whose} passing acceptance report is not attached to ${shortDigest(digest)}${seen.length === 0 ? '' : `; attached is ${seen.join('; ')}`}`;
  const fix = wanted === null ? {} : { fix: `Let lane ${wanted} accept the pinned image: PINLANE_LANE=${wanted} nx run <processor>:acceptance.` };
  return { problem: { code: 'ERR_EVIDENCE_MISSING', message, ...fix } };
};

/** Lines for people on the evidence that is attached to an image. */
export const renderEvidence = ({ found, ignored }: EvidenceFound): string[] => [
  ...found.map(
    ({ artifact, lane, startedAt, passed, isolation }) =>
      `  evidence: accepted in ${lane} at ${startedAt}, ${passed} checks passed in ${isolation.runtime}, network ${isolation.network} (${shortDigest(artifact)})`,
  ),
  ...(found.length === 0 ? ['  evidence: none is attached to this digest'] : []),
  ...ignored.map(({ artifact, reason }) => `  evidence ignored: ${artifact === null ? '' : `${shortDigest(artifact)}: `}${plainLine(reason)}`),
];
