import {
  ARCHITECTURES,
  laneRules,
  parsePinnedReference,
  PIN_NAMES,
  plainLine,
  type AcceptanceReport,
  type BranchLane,
  type Deployment,
  type DriftReport,
  type Known,
  type LaneCell,
  type LaneRow,
  type LanesReport,
  type LaneStanding,
  type PromotionReport,
  type ToldAcceptance,
  type ToldCommit,
  type ToldDeployment,
  type ToldLane,
  type Waiting,
  type WritingCommit,
} from '@pinlane/contracts';
import type { LanePins } from './lane-pins.ts';

/** A report of which something follows about what is accepted or deployed. */
export type TellingReport = AcceptanceReport | PromotionReport | DriftReport | Deployment;

/** One registry.yaml of a lane's branch, as git tells of it. */
export interface LaneFile {
  readonly file: string;
  readonly pins: LanePins | { readonly reason: string };
  /** Null if nothing is pinned. */
  readonly since: Known<ToldCommit> | null;
  readonly writtenBy: Known<WritingCommit> | null;
}

/** A lane, and what its branch has. */
export interface LaneFacts extends Omit<ToldLane, 'deploysTo'> {
  readonly files: readonly LaneFile[];
}

/** What git tells besides: commits that staging has and main does not. */
export type WaitingCommits = Known<Pick<Waiting, 'commits' | 'more'>>;

const known = <T>(value: T): Known<T> => ({ known: true, value });
const unknown = (reason: string): { readonly known: false; readonly reason: string } => ({ known: false, reason });

/** Every word about the digest of a platform, as it is in some report. */
const wordsOf = (report: TellingReport): (ToldAcceptance & { readonly digest: string })[] => {
  if (report.kind === 'AcceptanceReport') {
    const { digest, lane, verdict, startedAt, origin, evidence } = report;
    const attached = (evidence?.found ?? []).map(({ lane: of, startedAt: at, origin: by }) => {
      return { digest, lane: of, verdict: 'accepted' as const, at, told: 'evidence' as const, run: by?.run ?? null };
    });
    return [{ digest, lane, verdict, at: startedAt, told: 'report', run: origin?.run ?? null }, ...attached];
  }
  if (report.kind !== 'PromotionReport') return [];
  return report.entries.flatMap(({ pins, acceptedBy }) =>
    ARCHITECTURES.flatMap((each) => {
      const [pin, by] = [pins[each], acceptedBy[each]];
      if (pin === undefined || by === undefined) return [];
      const { digest } = parsePinnedReference(pin);
      return [{ digest, lane: 'staging' as const, verdict: 'accepted' as const, at: by.startedAt, told: 'promotion' as const, run: by.origin.run }];
    }),
  );
};

/** The newest word of each lane about each digest. */
const acceptances = (reports: readonly TellingReport[]): Map<string, ToldAcceptance[]> => {
  const newest = new Map<string, Map<string, ToldAcceptance>>();
  for (const { digest, ...word } of reports.flatMap(wordsOf)) {
    const lanes = newest.get(digest) ?? new Map<string, ToldAcceptance>();
    const before = lanes.get(word.lane);
    if (before === undefined || Date.parse(before.at) < Date.parse(word.at)) lanes.set(word.lane, word);
    newest.set(digest, lanes);
  }
  return new Map([...newest].map(([digest, lanes]) => [digest, [...lanes.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))]));
};

type Sighting = Known<ToldDeployment>;
const placeKey = (ref: string, environment: string): string => `${ref} ${environment}`;

const seenByDrift = (entry: DriftReport['entries'][number], { at, adapter, environment }: DriftReport): Sighting => {
  const { app, observed } = entry;
  if (observed === null) return unknown(`the platform was not asked at ${at}`);
  const { image, deployedAt, deployedBy } = observed;
  if (!image.known) return unknown(image.reason);
  const since = deployedAt.known ? deployedAt.value : null;
  return known({ adapter, environment, app, digest: image.value, seen: at, since, by: deployedBy.known ? deployedBy.value : null });
};

const seenByDeployment = ({ at, adapter, environment, app, outcome, configured }: Deployment): Sighting => {
  if (outcome === 'rolled-back') return unknown(`a deployment was taken back at ${at}, and no report here is newer`);
  if (!configured.known) return unknown(configured.reason);
  const digest = outcome === 'stopped' ? null : configured.value;
  return known({ adapter, environment, app, digest, seen: at, since: outcome === 'unchanged' ? null : at, by: null });
};

/** What the newest report says is deployed of each processor in each environment. A plan tells of nothing that is there. */
const sightings = (reports: readonly TellingReport[]): Map<string, Sighting> => {
  const telling = reports
    .filter((report) => report.kind === 'DriftReport' || report.kind === 'Deployment')
    .filter((report) => report.kind === 'DriftReport' || report.outcome !== 'planned')
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const found = new Map<string, Sighting>();
  for (const report of telling) {
    if (report.kind === 'Deployment') found.set(placeKey(report.ref, report.environment), seenByDeployment(report));
    else for (const entry of report.entries) if (entry.ref !== null) found.set(placeKey(entry.ref, report.environment), seenByDrift(entry, report));
  }
  return found;
};

/** Lanes whose word about a digest counts for all of them; what a developer or a pull request found does not. */
const COUNTS: readonly ToldAcceptance['lane'][] = ['dev', 'staging', 'main'];

const standingOf = ({ unread, pins, accepted, deployed }: Omit<LaneCell, 'standing'>, waits: boolean): LaneStanding => {
  if (unread !== null) return 'unknown';
  const digests = Object.values(pins).map((pin) => parsePinnedReference(pin).digest as string);
  if (digests.length === 0) return 'unpinned';
  const words = Object.values(accepted)
    .flatMap((each) => (each.known ? each.value : []))
    .filter(({ lane }) => COUNTS.includes(lane));
  if (deployed?.known === true && !digests.includes(deployed.value.digest ?? '')) return 'differs';
  if (words.some(({ verdict }) => verdict === 'rejected')) return 'rejected';
  if (waits) return 'waiting';
  return words.length === 0 || deployed?.known === false ? 'unknown' : 'settled';
};

const acceptedFor = (pins: LaneCell['pins'], words: ReadonlyMap<string, ToldAcceptance[]>): LaneCell['accepted'] =>
  Object.fromEntries(
    ARCHITECTURES.flatMap((each) => {
      const pin = pins[each];
      if (pin === undefined) return [];
      const told = words.get(parsePinnedReference(pin).digest);
      return [[each, told === undefined ? unknown('no report here is about this digest') : known(told)]];
    }),
  );

interface Told {
  readonly words: ReadonlyMap<string, ToldAcceptance[]>;
  readonly places: ReadonlyMap<string, Sighting>;
}

const cellOf = (lane: BranchLane, found: LaneFile, { words, places }: Told, waits: boolean): LaneCell => {
  const { file, since, writtenBy } = found;
  const environment = laneRules(lane).deploysTo;
  const read = 'ref' in found.pins ? found.pins : null;
  const pins = (read?.pins ?? {}) as LaneCell['pins'];
  const nothing = unknown('no report here tells what is deployed');
  const deployed = environment === null ? null : read === null ? nothing : (places.get(placeKey(read.ref, environment)) ?? nothing);
  const unread = 'reason' in found.pins ? found.pins.reason : null;
  const cell = { file, unread, pins, since, writtenBy, accepted: acceptedFor(pins, words), deployed };
  return { ...cell, standing: standingOf(cell, waits) };
};

/** What a file is known by in every lane: its ref, wherever it lies. Of two that have one ref, the second is known by its path. */
const byName = ({ files }: LaneFacts): Map<string, LaneFile> => {
  const named = new Map<string, LaneFile>();
  for (const each of files) {
    const ref = 'ref' in each.pins ? each.pins.ref : null;
    named.set(ref === null || named.has(ref) ? `file ${each.file}` : ref, each);
  }
  return named;
};

const pinOf = (file: LaneFile | undefined, name: (typeof PIN_NAMES)[number]): string | null =>
  file !== undefined && 'ref' in file.pins ? (file.pins.pins[name] ?? null) : null;

const hasTip = (lane: LaneFacts | undefined): boolean => lane?.tip.known === true;

/** What staging pins, and main pins otherwise or not at all; also what main alone has. */
const waitingPins = (staging: ReadonlyMap<string, LaneFile>, main: ReadonlyMap<string, LaneFile>): Waiting['pins'] =>
  [...new Set([...staging.keys(), ...main.keys()])].sort().flatMap((name) =>
    PIN_NAMES.flatMap((pin) => {
      const [before, after] = [pinOf(main.get(name), pin), pinOf(staging.get(name), pin)];
      return before === after ? [] : [{ name: plainLine(name), pin, main: before, staging: after } as Waiting['pins'][number]];
    }),
  );

/** A value with every text in it made plain: names and messages are whoever's who made a commit, and may turn around what stands beside them. */
const plain = <T>(value: T): T => {
  if (typeof value === 'string') return plainLine(value) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)])) as T;
};

const WEIGHT: readonly LaneStanding[] = ['differs', 'rejected', 'waiting', 'unpinned', 'unknown', 'settled'];
const weightOf = ({ cells }: LaneRow): number => Math.min(...cells.map((cell) => (cell === null ? WEIGHT.length : WEIGHT.indexOf(cell.standing))));

/**
 * Puts side by side what the branches of lanes pin, and what reports tell of these digests. Nothing is concluded that neither says. What hostile texts in them
 * would do to a reader is escaped visibly.
 * @param reports in any order
 */
export const lanesReport = (
  lanes: readonly LaneFacts[],
  { commits, reports, at }: { readonly commits: WaitingCommits; readonly reports: readonly TellingReport[]; readonly at: string },
): LanesReport => {
  const told: Told = { words: acceptances(reports), places: sightings(reports) };
  const named = lanes.map(byName);
  const column = (lane: BranchLane): number => lanes.findIndex((each) => each.lane === lane);
  const [staging, main] = [named[column('staging')] ?? new Map(), named[column('main')] ?? new Map()];
  const comparable = hasTip(lanes[column('staging')]) && hasTip(lanes[column('main')]);
  const pins = comparable ? waitingPins(staging, main) : [];
  const waits = new Set(pins.filter((each) => each.staging !== null).map(({ name }) => name));
  const rows = [...new Set(named.flatMap((each) => [...each.keys()]))].map((name): LaneRow => {
    const cells = lanes.map(({ lane }, at) => {
      const file = named[at]!.get(name);
      return file === undefined ? null : cellOf(lane, file, told, lane === 'staging' && waits.has(plainLine(name)));
    });
    const file = name.startsWith('file ') ? name.slice('file '.length) : null;
    return { ref: file === null ? (name as LaneRow['ref']) : null, name: file ?? name, cells };
  });
  return plain({
    kind: 'LanesReport' as const,
    schemaVersion: 1 as const,
    at,
    lanes: lanes.map(({ lane, ref, tip, partial }) => ({ lane, ref, tip, partial, deploysTo: laneRules(lane).deploysTo })),
    rows: rows.sort((a, b) => weightOf(a) - weightOf(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    waiting: commits.known ? (comparable ? known({ pins, ...commits.value }) : unknown('the branch of staging or of main is not known here')) : commits,
  });
};
