import { plainText, type DeployEnvironment, type Digest, type DriftEntry, type DriftReport, type DriftVerdict } from '@pinlane/contracts';
import { BY_WEIGHT } from './verdicts.ts';

export type VerdictCounts = Readonly<Record<DriftVerdict, number>>;

/** An environment on one hosting platform, as its newest report has it. */
export interface EnvironmentOverview extends Omit<DriftReport, 'kind' | 'schemaVersion' | 'entries'> {
  readonly counts: VerdictCounts;
  /** How many apps each report told of, and of how many something else than `in-sync`; the oldest first, the newest last. */
  readonly reports: readonly { readonly at: string; readonly apps: number; readonly troubled: number }[];
}

/** A stretch of reports, one after the other, that told the same of an app. */
export interface HistorySegment {
  /** When the first and the last of them were made. */
  readonly from: string;
  readonly to: string;
  readonly reports: number;
  readonly verdict: DriftVerdict;
  readonly message: string;
  /** The digest that was configured; null if there was none, or if it was not known. */
  readonly image: Digest | null;
  readonly version: number | null;
}

/** What is told of one app in one environment. */
export interface DriftCell {
  readonly entry: DriftEntry;
  /** The newest stretch first. */
  readonly history: readonly HistorySegment[];
}

/** A processor, or what no registry.yaml claims, in all environments. */
export interface DriftRow {
  /** The ref of a processor, else the name of the app. */
  readonly name: string;
  readonly claimed: boolean;
  /** One for each environment, in their order; null where its report does not tell of it. */
  readonly cells: readonly (DriftCell | null)[];
}

/** Processors and environments, what runs where, and what earlier reports told of it. */
export interface DriftOverview {
  readonly environments: readonly EnvironmentOverview[];
  /** Those first that ask most of a reader. */
  readonly rows: readonly DriftRow[];
  readonly counts: VerdictCounts;
}

const ORDER: readonly DeployEnvironment[] = ['dev', 'staging', 'main'];

const countsOf = (entries: readonly DriftEntry[]): VerdictCounts => {
  const counts = Object.fromEntries(BY_WEIGHT.map((verdict) => [verdict, 0])) as Record<DriftVerdict, number>;
  for (const { verdict } of entries) counts[verdict] += 1;
  return counts;
};

/** A value with every text in it made plain: names and reasons come from a platform, and may turn around what stands beside them. */
const plain = <T>(value: T): T => {
  if (typeof value === 'string') return plainText(value) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)])) as T;
};

/** What an entry is of, in every report of an environment: a processor is known by its ref, whatever its app is called, and what has none by its app. */
const keysOf = (entries: readonly DriftEntry[]): string[] => {
  const seen = new Map<string, number>();
  return entries.map(({ ref, app }) => {
    const key = ref === null ? `app ${app}` : `ref ${ref}`;
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return nth === 0 ? key : `${key} ${nth}`;
  });
};

const byKey = ({ entries }: DriftReport): Map<string, DriftEntry> => {
  const keys = keysOf(entries);
  return new Map(entries.map((entry, at) => [keys[at] as string, entry]));
};

const segmentOf = ({ verdict, message, observed }: DriftEntry, at: string): HistorySegment => ({
  ...{ from: at, to: at, reports: 1, verdict, message: plainText(message) },
  image: observed?.image.known ? observed.image.value : null,
  version: observed?.version.known ? observed.version.value : null,
});

const sameTold = (a: HistorySegment, b: HistorySegment): boolean => a.verdict === b.verdict && a.image === b.image && a.version === b.version;

/** What reports told of one app, the newest first, with those together that tell the same. @param told the oldest first */
const historyOf = (told: readonly { readonly at: string; readonly entry: DriftEntry }[]): HistorySegment[] => {
  const segments: HistorySegment[] = [];
  for (const { at, entry } of told) {
    const segment = segmentOf(entry, at);
    const last = segments.at(-1);
    if (last !== undefined && sameTold(last, segment)) segments[segments.length - 1] = { ...segment, from: last.from, reports: last.reports + 1 };
    else segments.push(segment);
  }
  return segments.reverse();
};

/** The reports of each environment on each platform, the oldest first; of several that were made at once, one is the newest all the same. */
const grouped = (reports: readonly DriftReport[]): DriftReport[][] => {
  const groups = new Map<string, DriftReport[]>();
  for (const report of reports) {
    const key = `${report.environment} ${report.adapter}`;
    groups.set(key, [...(groups.get(key) ?? []), report]);
  }
  const place = ({ environment, adapter }: DriftReport): string => `${ORDER.indexOf(environment)} ${adapter}`;
  return [...groups.values()]
    .map((group) => group.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)))
    .sort(([a], [b]) => (place(a as DriftReport) < place(b as DriftReport) ? -1 : 1));
};

const environmentOf = (group: readonly DriftReport[]): EnvironmentOverview => {
  const { kind: _kind, schemaVersion: _version, entries, ...facts } = group.at(-1) as DriftReport;
  const reports = group.map(({ at, entries: told }) => ({ at, apps: told.length, troubled: told.filter(({ verdict }) => verdict !== 'in-sync').length }));
  return { ...facts, counts: countsOf(entries), reports };
};

const weightOf = ({ cells }: DriftRow): number => Math.min(...cells.map((cell) => (cell === null ? BY_WEIGHT.length : BY_WEIGHT.indexOf(cell.entry.verdict))));

const inOrder = (a: DriftRow, b: DriftRow): number => weightOf(a) - weightOf(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * Puts reports of drift side by side: the newest of each environment is its state, earlier ones are its history. What hostile texts in them would do to a
 * reader is escaped visibly.
 * @param reports in any order
 */
export const driftOverview = (reports: readonly DriftReport[]): DriftOverview => {
  const groups = grouped(reports).map((group) => group.map((report) => ({ at: report.at, report, entries: byKey(report) })));
  const states = groups.map((group) => group.at(-1)!.entries);
  const keys = [...new Set(states.flatMap((entries) => [...entries.keys()]))];
  const cellOf = (key: string, column: number): DriftCell | null => {
    const entry = states[column]!.get(key);
    if (entry === undefined) return null;
    const told = groups[column]!.flatMap(({ at, entries }) => (entries.has(key) ? [{ at, entry: entries.get(key) as DriftEntry }] : []));
    return { entry: plain(entry), history: historyOf(told) };
  };
  const rows = keys.map((key): DriftRow => {
    const cells = states.map((_, column) => cellOf(key, column));
    const { entry } = cells.find((cell) => cell !== null) as DriftCell;
    return { name: entry.ref ?? entry.app, claimed: entry.ref !== null, cells };
  });
  return {
    environments: groups.map((group) => environmentOf(group.map(({ report }) => report))),
    rows: rows.sort(inOrder),
    counts: countsOf(states.flatMap((entries) => [...entries.values()])),
  };
};
