import {
  ARCHITECTURES,
  ERROR_CATALOGUE,
  formatProblem,
  PIN_NAMES,
  parsePinnedReference,
  platformOf,
  shortDigest,
  slugOf,
  type Digest,
  type PromotionEntry,
  type PromotionFinding,
  type PromotionReport,
} from '@pinlane/contracts';

/** The report on many files. If a pin could not be told of, the verdict is `unknown` even if others are refused, because more may be. */
export const promotionReport = (
  facts: Pick<PromotionReport, 'lane' | 'workspace' | 'commit' | 'staging'>,
  entries: readonly PromotionEntry[],
): PromotionReport => {
  const has = (outcome: PromotionEntry['outcome']): boolean => entries.some((entry) => entry.outcome === outcome);
  return {
    kind: 'PromotionReport',
    schemaVersion: 1,
    ...facts,
    verdict: has('unknown') ? 'unknown' : has('refused') ? 'refused' : 'promoted',
    entries: [...entries],
  };
};

const short = (commit: string): string => commit.slice(0, 12);
const WIDTH = Math.max(...PIN_NAMES.map((name) => (name === 'index' ? name : platformOf(name)).length));

const rows = ({ pins, pinnedBy, acceptedBy, fingerprint, outcome, remarks }: PromotionEntry): string[] => {
  if (outcome === 'unpinned') return [];
  const digest = (name: (typeof PIN_NAMES)[number]): string => shortDigest(parsePinnedReference(pins[name]!).digest);
  const accepted = ARCHITECTURES.flatMap((each) => {
    if (pins[each] === undefined) return [];
    const by = acceptedBy[each];
    const said =
      by === undefined
        ? 'no evidence'
        : `accepted in staging at ${by.startedAt} (${shortDigest(by.artifact)})${by.origin.run === null ? '' : `, ${by.origin.run}`}`;
    return [[platformOf(each), `${digest(each)}  ${said}`]];
  });
  const source = [fingerprint.pinned, fingerprint.source].map((each) => (each === null ? '?' : shortDigest(each as Digest)));
  const commit =
    pinnedBy === null
      ? 'no pin commit of staging'
      : `${short(pinnedBy.commit)} of ${short(pinnedBy.source)}, by ${pinnedBy.by}${pinnedBy.run === null ? '' : `, ${pinnedBy.run}`}`;
  const all = [
    ...accepted,
    ...(pins.index === undefined ? [] : [['index', digest('index')]]),
    ['source', source[0] === source[1] ? `${source[0]}, as in the working tree` : `${source[0]}, and ${source[1]} in the working tree`],
    ['pinned', commit],
  ];
  return [...all.map(([name, text]) => `  ${name!.padEnd(WIDTH)}  ${text}`), ...remarks.map((remark) => `  remark: ${remark}`)];
};

/** What is to be done about a finding, in words for this processor. */
const fixFor = ({ code, pin }: PromotionFinding, ref: PromotionEntry['ref']): string => {
  const platform = pin === null || pin === 'index' ? '' : ` --platform=${platformOf(pin)}`;
  const fix =
    code === 'ERR_EVIDENCE_MISSING'
      ? `Let staging accept what is pinned: PINLANE_LANE=staging nx run <processor>:acceptance${platform}.`
      : ERROR_CATALOGUE[code].remedy;
  return ref === null ? fix : fix.replaceAll('<processor>', slugOf(ref));
};

const problems = ({ file, ref, findings }: PromotionEntry): string[] =>
  findings.map((finding) => {
    const { code, message, line, column } = finding;
    return formatProblem({ code, message, file, line, column, fix: fixFor(finding, ref) });
  });

const VERDICT = {
  promoted: 'staging pinned and accepted all of it',
  refused: 'not all of it was pinned and accepted by staging',
  unknown: 'not all of it could be told of',
};

/** A report for people: a table for each processor, each doubt with its place, and one line that counts all of them. */
export const renderPromotion = (report: PromotionReport): string[] => {
  const { commit, staging, verdict, entries } = report;
  const count = (outcome: PromotionEntry['outcome']): number => entries.filter((entry) => entry.outcome === outcome).length;
  const outcomes = (['promoted', 'refused', 'unknown', 'unpinned'] as const).filter((outcome) => count(outcome) > 0).map((each) => `${count(each)} ${each}`);
  return [
    ...entries.flatMap((entry) => [`${entry.ref ?? '?'}  ${entry.outcome}  (${entry.file})`, ...rows(entry), ...problems(entry)]),
    `${short(commit)}, held against ${staging.ref} at ${short(staging.commit)}: ${VERDICT[verdict]}: ${entries.length} processors (${outcomes.join(', ') || 'none'})`,
  ];
};
