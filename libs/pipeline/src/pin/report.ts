import {
  ARCHITECTURES,
  byArchitecture,
  formatRepository,
  parsePinnedReference,
  platformOf,
  PLATFORMS,
  shortDigest,
  type Digest,
  type PinReport,
  type Reproduction,
  type ProcessorSpec,
} from '@pinlane/contracts';
import { renderDifferences } from './compare/differences.ts';

const change = <T>(before: T | null | undefined, after: T | null | undefined) => ({ before: before ?? null, after: after ?? null });

/** The report on what changed between two states of a registry.yaml. */
export const pinReport = (
  before: ProcessorSpec,
  after: ProcessorSpec,
  {
    file,
    outcome,
    reasons = [],
    explanation = [],
    reproduction,
  }: {
    readonly file: string;
    readonly outcome: PinReport['outcome'];
    readonly reasons?: readonly string[];
    readonly explanation?: readonly string[];
    readonly reproduction?: Reproduction | undefined;
  },
): PinReport => ({
  kind: 'PinReport',
  schemaVersion: 1,
  ref: before.ref,
  file,
  outcome,
  platforms: byArchitecture((each) => change(before.image?.platforms?.[each], after.image?.platforms?.[each])),
  index: change(before.image?.index, after.image?.index),
  fingerprint: change(before.image?.source?.fingerprint, after.image?.source?.fingerprint),
  revision: after.image?.source?.revision ?? null,
  reasons: [...reasons],
  ...(explanation.length > 0 ? { explanation: [...explanation] } : {}),
  ...(reproduction === undefined ? {} : { reproduction }),
});

const short = (pin: string | null): string => (pin === null ? '(none)' : shortDigest(parsePinnedReference(pin).digest));
const place = (pin: string): string => formatRepository(parsePinnedReference(pin));
const shortSource = (digest: Digest | null): string => (digest === null ? '(none)' : shortDigest(digest));
const arrow = (before: string, after: string): string => (before === after ? `${after} (unchanged)` : `${before} -> ${after}`);

/** The change of a pin. If only its repository changed, both repositories are shown. */
const arrowOf = ({ before, after }: { readonly before: string | null; readonly after: string | null }): string => {
  const moved = before !== null && after !== null && place(before) !== place(after);
  return moved && short(before) === short(after) ? `${short(after)} (${place(before)} -> ${place(after)})` : arrow(short(before), short(after));
};

const HEADLINES: Record<PinReport['outcome'], string> = {
  pinned: 'pinned',
  unchanged: 'pins unchanged, nothing written',
  'would-pin': 'would pin (dry run, nothing written)',
  current: 'pins are current',
  stale: 'pins are stale',
  reproduced: 'reproduced: the source makes what is pinned',
  differs: 'not reproduced: the source makes something else than what is pinned',
};

/** The longest name in a report is that of a platform. */
const WIDTH = Math.max(...PLATFORMS.map(({ length }) => length));

/** A report for people: old -> new for each platform, in short digests. */
export const renderPinReport = (report: PinReport): string => {
  const platforms = ARCHITECTURES.flatMap((each) => {
    const pin = report.platforms[each];
    return pin === undefined || (pin.before === null && pin.after === null) ? [] : [[platformOf(each), arrowOf(pin)]];
  });
  const rows = [
    ...platforms,
    ['index', arrowOf(report.index)],
    ['source', arrow(shortSource(report.fingerprint.before), shortSource(report.fingerprint.after))],
  ];
  const table = rows.map(([name, text]) => `  ${(name as string).padEnd(WIDTH)} ${text}`);
  return [
    `${report.ref}  ${HEADLINES[report.outcome]}  (${report.file})`,
    ...table,
    ...[...report.reasons, ...(report.explanation ?? []), ...(report.reproduction ? renderDifferences(report.reproduction) : [])].map((line) => `  - ${line}`),
  ].join('\n');
};
