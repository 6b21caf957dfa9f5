import { plainText, type DeployEnvironment, type DriftEntry, type DriftReport, type DriftVerdict } from '@pinlane/contracts';
import { driftInShort, keysOf, type DriftInShort, type ToldInShort } from './drift-in-short.ts';
import { BY_WEIGHT } from './verdicts.ts';

export type VerdictCounts = Readonly<Record<DriftVerdict, number>>;

/** An environment on one hosting platform, as its newest report has it. */
export interface EnvironmentOverview extends Omit<DriftReport, 'kind' | 'schemaVersion' | 'entries'> {
  readonly counts: VerdictCounts;
  /** How many apps each report told of, and of how many something else than `in-sync`; the oldest first, the newest last. */
  readonly reports: readonly { readonly at: string; readonly apps: number; readonly troubled: number }[];
}

/** A stretch of reports, one after the other, that told the same of an app. */
export interface HistorySegment extends Omit<ToldInShort, 'key'> {
  /** When the first and the last of them were made. */
  readonly from: string;
  readonly to: string;
  readonly reports: number;
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

/** Texts that are plain as they are, as nearly all of them are. */
const isPlain = (text: string): boolean => /^[ -~]*$/.test(text) && !text.includes('::') && !text.includes('##');

/** A value with every text in it made plain: names and reasons come from a platform, and may turn around what stands beside them. */
const plain = <T>(value: T): T => {
  if (typeof value === 'string') return (isPlain(value) ? value : plainText(value)) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null) return value;
  const made = { ...value } as Record<string, unknown>;
  for (const name of Object.keys(made)) made[name] = plain(made[name]);
  return made as T;
};

const byKey = ({ entries }: DriftReport): Map<string, DriftEntry> => {
  const keys = keysOf(entries);
  return new Map(entries.map((entry, at) => [keys[at] as string, entry]));
};

type Told = ToldInShort & { readonly at: string };

const sameTold = (a: HistorySegment, b: Told): boolean => a.verdict === b.verdict && a.image === b.image && a.version === b.version;

/** What reports told of one app, the newest first, with those together that tell the same. @param told the oldest first */
const historyOf = (told: readonly Told[]): HistorySegment[] => {
  const segments: HistorySegment[] = [];
  for (const each of told) {
    const last = segments.at(-1);
    const { at, verdict, message, image, version } = each;
    const goesOn = last !== undefined && sameTold(last, each);
    if (goesOn) segments.pop();
    segments.push({ from: goesOn ? last.from : at, to: at, reports: goesOn ? last.reports + 1 : 1, verdict, message, image, version });
  }
  return segments.reverse().map(plain);
};

/** A report, of an earlier one as much as is left of it. */
interface Made {
  readonly report: DriftReport | null;
  readonly short: DriftInShort;
}

/** The reports of one environment on one platform. */
interface Group {
  /** The oldest first; of several that were made at once, one is the newest all the same. */
  readonly all: readonly DriftInShort[];
  /** The newest, which is in full. */
  readonly newest: DriftReport;
}

const groupOf = (made: readonly Made[]): Group[] => {
  const sorted = made.toSorted((a, b) => Date.parse(a.short.at) - Date.parse(b.short.at));
  const newest = sorted.findLast(({ report }) => report !== null)?.report;
  return newest ? [{ all: sorted.map(({ short }) => short), newest }] : [];
};

const grouped = (made: readonly Made[]): Group[] => {
  const groups = new Map<string, Made[]>();
  for (const each of made) {
    const key = `${ORDER.indexOf(each.short.environment)} ${each.short.adapter}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, group]) => groupOf(group));
};

const environmentOf = ({ all, newest }: Group): EnvironmentOverview => {
  const { kind: _kind, schemaVersion: _version, entries, ...facts } = newest;
  const reports = all.map(({ at, told }) => ({ at, apps: told.length, troubled: told.filter(({ verdict }) => verdict !== 'in-sync').length }));
  return { ...facts, counts: countsOf(entries), reports };
};

/** What all reports of a group told, by what they told it of. */
const toldIn = ({ all }: Group): Map<string, Told[]> => {
  const found = new Map<string, Told[]>();
  for (const { at, told } of all)
    for (const each of told) {
      const before = found.get(each.key);
      if (before) before.push({ ...each, at });
      else found.set(each.key, [{ ...each, at }]);
    }
  return found;
};

const weightOf = ({ cells }: DriftRow): number => Math.min(...cells.map((cell) => (cell === null ? BY_WEIGHT.length : BY_WEIGHT.indexOf(cell.entry.verdict))));

const inOrder = (a: DriftRow, b: DriftRow): number => weightOf(a) - weightOf(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * Puts reports of drift side by side: the newest of each environment is its state, earlier ones are its history. What hostile texts in them would do to a
 * reader is escaped visibly.
 * @param reports in any order
 * @param earlier others, older than the newest of their environment on their platform
 */
export const driftOverview = (reports: readonly DriftReport[], earlier: readonly DriftInShort[] = []): DriftOverview => {
  const made = [...earlier.map((short) => ({ report: null, short })), ...reports.map((report) => ({ report, short: driftInShort(report) }))];
  const groups = grouped(made);
  const states = groups.map(({ newest }) => byKey(newest));
  const told = groups.map(toldIn);
  const keys = [...new Set(states.flatMap((entries) => [...entries.keys()]))];
  const cellOf = (key: string, column: number): DriftCell | null => {
    const entry = states[column]!.get(key);
    return entry === undefined ? null : { entry: plain(entry), history: historyOf(told[column]!.get(key)!) };
  };
  const rows = keys.map((key): DriftRow => {
    const cells = states.map((_, column) => cellOf(key, column));
    const { entry } = cells.find((cell) => cell !== null) as DriftCell;
    return { name: entry.ref ?? entry.app, claimed: entry.ref !== null, cells };
  });
  return {
    environments: groups.map(environmentOf),
    rows: rows.sort(inOrder),
    counts: countsOf(states.flatMap((entries) => [...entries.values()])),
  };
};
