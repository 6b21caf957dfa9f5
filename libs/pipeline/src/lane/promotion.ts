import {
  ERROR_CATALOGUE,
  pinVerdict,
  plainLine,
  shortDigest,
  type Digest,
  type EvidenceFound,
  type PinName,
  type Problem,
  type PromotionEntry,
} from '@pinlane/contracts';

/** A finding whose place is not known yet. */
export interface PromotionDoubt extends Pick<Problem, 'code' | 'message'> {
  readonly pin: PinName | null;
}

/** Whether a finding says that a pin is not promoted, rather than that nobody can tell. */
export const isRefusal = ({ code }: Pick<PromotionDoubt, 'code'>): boolean => ERROR_CATALOGUE[code].exitCode === 2 || pinVerdict(code) !== null;

/** The outcome for the pins of one file. @param pins how many there are */
export const promotionOutcome = (findings: readonly Pick<PromotionDoubt, 'code'>[], pins: number): PromotionEntry['outcome'] => {
  if (findings.some((finding) => !isRefusal(finding))) return 'unknown';
  if (findings.length > 0) return 'refused';
  return pins === 0 ? 'unpinned' : 'promoted';
};

type Found = EvidenceFound['found'][number];

/** What is known of the workspace that asks. */
export interface Asking {
  /** Its name; null if it has none. */
  readonly workspace: string | null;
  /** Where a commit is: `in` the history of staging, `out` of it, or not to be told, because this clone has a part of the history only. */
  readonly whereIs: (revision: string) => 'in' | 'out' | 'unknown';
}

/** The evidence that staging of this workspace left, if a report is it. */
export type Accepted = { readonly artifact: Digest; readonly startedAt: string; readonly origin: NonNullable<Found['origin']> };

/** Why a report is not one of staging of this workspace, and whether that is certain; the report if it is one. */
const judge = (
  { artifact, lane, startedAt, origin }: Found,
  { workspace, whereIs }: Asking,
): Accepted | { readonly reason: string; readonly certain: boolean } => {
  const no = (reason: string, certain = true) => ({ reason: `${shortDigest(artifact)} ${reason}`, certain });
  if (lane !== 'staging') return no(`is of lane ${lane}`);
  if (origin?.workspace == null) return no('does not say which workspace accepted it');
  if (origin.workspace !== workspace)
    return no(`is of ${plainLine(origin.workspace)}, and this is ${workspace ?? 'a workspace without a name'}`, workspace !== null);
  if (origin.revision === null) return no('does not say which commit was accepted');
  const place = whereIs(origin.revision);
  if (place === 'in') return { artifact, startedAt, origin };
  const commit = origin.revision.slice(0, 12);
  return place === 'out'
    ? no(`is about commit ${commit}, which is not in the history of staging`)
    : no(`is about commit ${commit}, which this clone may lack`, false);
};

/** The newest report with which staging of this workspace accepted a platform's digest, or what is wrong without one. */
export const acceptedInStaging = (
  { found, ignored }: EvidenceFound,
  { pin, digest, platform }: { readonly pin: PinName; readonly digest: Digest; readonly platform: string },
  asking: Asking,
): { readonly accepted: Accepted } | { readonly doubt: PromotionDoubt } => {
  const judged = found.map((each) => judge(each, asking));
  const accepted = judged.find((each) => 'artifact' in each);
  if (accepted !== undefined) return { accepted };
  const others = judged.flatMap((each) => ('reason' in each ? [each] : []));
  const reasons = [
    ...others.map(({ reason }) => reason),
    ...ignored.map(({ artifact, reason }) => `${artifact === null ? '' : `${shortDigest(artifact)}: `}${plainLine(reason)}`),
  ];
  const certain = others.every((each) => each.certain);
  const message = `${certain ? 'staging did not accept' : 'it can not be told whether staging accepted'} ${shortDigest(digest)} for ${platform}: ${reasons.join('; ') || 'no report is attached'}`;
  return { doubt: { pin, code: certain ? 'ERR_EVIDENCE_MISSING' : 'ERR_PROMOTION_UNKNOWN', message } };
};

/** A pin commit that was looked at because it touched what is pinned. */
export interface Candidate {
  readonly commit: string;
  /** Why it is no pin commit, or did not write these very pins. */
  readonly reason: string;
}

/** What is said of pins that no pin commit of staging wrote. */
export const notPinnedByStaging = (
  ref: string,
  {
    staging,
    candidates,
    elsewhere,
    partial,
  }: { readonly staging: string; readonly candidates: readonly Candidate[]; readonly elsewhere: string | null; readonly partial: string | null },
): PromotionDoubt => {
  const seen = candidates.slice(0, 3).map(({ commit, reason }) => `${commit.slice(0, 12)}: ${reason}`);
  if (partial !== null)
    return { pin: null, code: 'ERR_PROMOTION_UNKNOWN', message: `no pin commit of ${staging} that is known here wrote the pins of ${ref}, and ${partial}` };
  const other =
    elsewhere === null
      ? []
      : [`${elsewhere.slice(0, 12)} wrote them, and is not in the history of ${staging}: it was made on another branch, or ${staging} was rewritten since`];
  const message = [`no pin commit of ${staging} wrote the pins of ${ref}`, ...other, ...seen].join('; ');
  return { pin: null, code: 'ERR_NOT_PROMOTED', message };
};
