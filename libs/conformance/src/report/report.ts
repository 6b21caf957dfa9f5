import type { AcceptanceReport, Check, Digest, EvidenceFound, Isolation, Lane, PinnedReference, Platform, Ref } from '@pinlane/contracts';
import { formatReference } from '@pinlane/contracts';

/** What a report tells besides the checks. */
export interface AcceptanceFacts {
  readonly ref: Ref;
  readonly image: PinnedReference;
  readonly digest: Digest;
  readonly platform: Platform;
  readonly lane: Lane;
  readonly pinned: boolean;
  readonly isolation: Isolation;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly healthyAfterMs: number | null;
  readonly log: string | null;
  readonly evidence?: EvidenceFound;
}

/** Accepted if no check failed and at least one passed, because a report without a passed check is no evidence. */
export const verdictOf = (checks: readonly Check[]): AcceptanceReport['verdict'] =>
  checks.some(({ outcome }) => outcome === 'passed') && checks.every(({ outcome }) => outcome !== 'failed') ? 'accepted' : 'rejected';

/** The report on the image of one platform. */
export const acceptanceReport = (facts: AcceptanceFacts, checks: readonly Check[]): AcceptanceReport => ({
  kind: 'AcceptanceReport',
  schemaVersion: 1,
  ...facts,
  image: formatReference(facts.image),
  verdict: verdictOf(checks),
  checks: [...checks],
  startedAt: facts.startedAt.toISOString(),
});
