import { commitNamed, isShallow, openClone, openLog, pathspecBelow, type Log, type LoggedChange, type LoggedCommit } from '@pinlane/adapters';
import { asPinlaneError, BRANCH_LANES, fail, isPinlaneError, type BranchLane, type Known, type ToldCommit, type WritingCommit } from '@pinlane/contracts';
import {
  pinFileName,
  pinTrailers,
  readPinCommit,
  samePins,
  SOURCE_TRAILER,
  type LaneFacts,
  type LaneFile,
  type LanePins,
  type WaitingCommits,
} from '@pinlane/pipeline';
import type { VerbContext } from '../../command/context.ts';
import { processorFolders } from '../../workspace/nx-json.ts';
import { OWN_FOLDER } from '../../workspace/own-folder.ts';
import { findFirst, openPinTexts, type PinTexts } from './texts.ts';

/** So many commits of a branch that changed a registry.yaml are looked through. */
export const CHANGES_AT_MOST = 2000;
/** So many pin commits of staging are. */
export const PIN_COMMITS_AT_MOST = 1000;
/** So many commits are asked for their parents. */
const GRAPH_AT_MOST = 100_000;
/** So many commits that wait are looked at, and named. */
const WAITING_AT_MOST = 1000;
export const WAITING_NAMED = 200;

const SKIPPED = new Set(['node_modules', '.git', '.nx', OWN_FOLDER]);
const NAME = 'registry.yaml';
const short = (commit: string): string => commit.slice(0, 12);
const unknown = (reason: string): { readonly known: false; readonly reason: string } => ({ known: false, reason });
const told = ({ commit, at, author: by }: LoggedCommit): ToldCommit => ({ commit, at, by });

/** What one version of a file was before a commit and after it. */
interface Version {
  readonly commit: LoggedCommit;
  readonly change: LoggedChange;
}

/** A file of a branch, with its versions on the first-parent line, the newest first. */
interface Found {
  /** Relative to the top of the working tree. */
  readonly path: string;
  readonly blob: string;
  readonly versions: readonly Version[];
}

interface Branch {
  readonly lane: BranchLane;
  readonly ref: string;
  readonly tip: LoggedCommit;
  readonly commits: readonly LoggedCommit[];
  readonly files: readonly Found[];
}

/** The versions of a file, under the names that it had. */
const versionsOf = (path: string, commits: readonly (readonly [LoggedCommit, ReadonlyMap<string, LoggedChange>])[]): Version[] => {
  let name = path;
  return commits.flatMap(([commit, changes]) => {
    const change = changes.get(name);
    if (change === undefined) return [];
    name = change.from;
    return [{ commit, change }];
  });
};

/** Reads a branch in three questions, however many files it has. @param folders relative to the top: empty, or with `/` at the end */
const readBranch = async (log: Log, { lane, ref, commit }: { lane: BranchLane; ref: string; commit: string }, folders: readonly string[]): Promise<Branch> => {
  const paths = folders.map((folder) => pathspecBelow(folder, NAME));
  const [tips, commits, files] = await Promise.all([
    log.commits({ from: commit, changes: false, atMost: 1 }),
    log.commits({ from: commit, firstParent: true, paths, changes: true, atMost: CHANGES_AT_MOST }),
    log.files(commit, folders.includes('') ? [] : folders),
  ]);
  const indexed = commits.map((each) => [each, new Map(each.changes.map((change) => [change.path, change]))] as const);
  const found = files
    .filter(({ path }) => (path === NAME || path.endsWith(`/${NAME}`)) && !path.split('/').some((part) => SKIPPED.has(part)))
    .map((file) => ({ ...file, versions: versionsOf(file.path, indexed) }));
  const [tip] = tips;
  return tip === undefined ? fail('ERR_GIT_UNUSABLE', `git does not tell of commit ${short(commit)}`) : { lane, ref, tip, commits, files: found };
};

/** Whether one commit comes before another, or is it, in the commits that are known. */
const comesBefore = (ancestor: string, of: string, parents: ReadonlyMap<string, readonly string[]>): boolean => {
  const seen = new Set([of]);
  for (const each of seen) {
    if (each === ancestor) return true;
    for (const parent of parents.get(each) ?? []) seen.add(parent);
  }
  return false;
};

/** Since which commit of its branch each file has its pins. */
const arrivals = async (branch: Branch, texts: PinTexts, shallow: boolean): Promise<(Known<ToldCommit> | null)[]> => {
  const pins = branch.files.map(({ blob, path }) => texts.pinsIn(blob, path));
  const searches = branch.files.map(({ versions }, at) => ({
    items: 'ref' in pins[at]! && Object.keys(pins[at].pins).length > 0 ? versions : [],
    blobOf: ({ change }: Version) => change.before,
    fits: ({ change }: Version) => {
      const [now, before] = [pins[at] as LanePins, change.before === null ? null : texts.pinsIn(change.before, change.from)];
      return before === null || !('ref' in before) || before.ref !== now.ref || !samePins(before.values, now.values);
    },
  }));
  const found = await findFirst(searches, texts);
  return found.map((version, at) => {
    const mine = pins[at]!;
    if (!('ref' in mine) || Object.keys(mine.pins).length === 0) return null;
    if (version === null) {
      const cut = branch.commits.length >= CHANGES_AT_MOST;
      return unknown(cut ? `the last ${CHANGES_AT_MOST} commits that changed a registry.yaml have it already` : 'git tells of no commit that wrote it');
    }
    const { commit } = version;
    if (shallow && commit.parents.length === 0)
      return unknown(`this clone has a part of the history only, from ${short(commit.commit)} on: it was pinned there already`);
    return { known: true, value: told(commit) };
  });
};

/** What git tells of commits, for all lanes. */
interface Commits {
  /** Those of staging's history that say they are pin commits, the newest first; null if there is no staging. */
  readonly pinning: readonly LoggedCommit[] | null;
  readonly parents: ReadonlyMap<string, readonly string[]>;
  readonly shallow: boolean;
  readonly staging: string;
}

/**
 * Whether a commit is a pin commit as far as its trailers, its parents, the names of its files and one file's texts tell; `promotion` proves the rest.
 * @returns what it says of itself
 */
const asPinCommit = ({ commit, change }: Version, texts: PinTexts, { parents }: Commits): { readonly source: string; readonly run: string | null } | null => {
  const source = pinTrailers(commit.message)?.source;
  const plain = commit.changes.every(({ path, from, before, after, sameMode }) => {
    return pinFileName(path) !== null && path === from && before !== null && after !== null && sameMode;
  });
  if (source === undefined || !plain || change.before === null || change.after === null) return null;
  const facts = readPinCommit({
    message: commit.message,
    parents: commit.parents.length,
    changed: [{ path: change.path, sameMode: change.sameMode, before: texts.textOf(change.before), after: texts.textOf(change.after) }],
    comesAfterSource: source !== commit.commit && comesBefore(source, commit.commit, parents),
  });
  return 'reason' in facts ? null : { source: facts.source, run: facts.run };
};

/** The pin commit of staging that wrote the pins of each file, by their content. @param names the paths that each ref has had in any lane */
const writers = async (
  branch: Branch,
  { texts, names, all }: { readonly texts: PinTexts; readonly names: ReadonlyMap<string, ReadonlySet<string>>; readonly all: Commits },
): Promise<(Known<WritingCommit> | null)[]> => {
  const pins = branch.files.map(({ blob, path }) => texts.pinsIn(blob, path));
  const claims = new Map<Version, { readonly source: string; readonly run: string | null }>();
  const searches = pins.map((mine) => {
    const [ref, wanted] = 'ref' in mine && Object.keys(mine.pins).length > 0 ? [mine.ref, mine.values] : [null, {}];
    const versions = (all.pinning ?? []).flatMap((commit) => commit.changes.map((change) => ({ commit, change })));
    return {
      items: ref === null ? [] : versions.filter(({ change }) => change.after !== null && names.get(ref)?.has(change.path)),
      blobOf: ({ change }: Version) => change.after,
      fits: ({ change }: Version): boolean => {
        const text = texts.textOf(change.after as string);
        // Reading takes a thousand times as long as to see that it can't be the one.
        if (text === null || !Object.values(wanted).every((value) => value === null || text.includes(value))) return false;
        const there = texts.pinsIn(change.after as string, change.path);
        return 'ref' in there && there.ref === ref && samePins(there.values, wanted);
      },
    };
  });
  const found = await findFirst(searches, texts);
  await texts.load(found.map((version) => version?.change.before ?? null));
  for (const version of found) {
    const claim = version === null ? null : asPinCommit(version, texts, all);
    if (version !== null && claim !== null) claims.set(version, claim);
  }
  return found.map((version, at) => {
    const mine = pins[at]!;
    if (!('ref' in mine) || Object.keys(mine.pins).length === 0) return null;
    const claim = version === null ? undefined : claims.get(version);
    if (version !== null && claim !== undefined) {
      const way = comesBefore(version.commit.commit, branch.tip.commit, all.parents) ? 'history' : 'content';
      return { known: true, value: { ...told(version.commit), ...claim, way } };
    }
    if (all.pinning === null) return unknown(`the branch of staging, ${all.staging}, is not known here`);
    if (all.shallow) return unknown('this clone has a part of the history only, and no pin commit in it wrote these pins');
    if (version !== null)
      return unknown(`${short(version.commit.commit)} wrote these pins, and is no pin commit: it has more in it, or its source does not come before it`);
    if (all.pinning.length >= PIN_COMMITS_AT_MOST) return unknown(`none of the last ${PIN_COMMITS_AT_MOST} pin commits of staging wrote these pins`);
    return unknown('no pin commit of staging wrote these pins');
  });
};

/** The paths that each ref has had, in any lane. */
const namesOf = (branches: readonly Branch[], texts: PinTexts): Map<string, Set<string>> => {
  const names = new Map<string, Set<string>>();
  for (const { files } of branches)
    for (const { blob, path, versions } of files) {
      const pins = texts.pinsIn(blob, path);
      if (!('ref' in pins)) continue;
      const known = names.get(pins.ref) ?? new Set();
      for (const each of [path, ...versions.map(({ change }) => change.from)]) known.add(each);
      names.set(pins.ref, known);
    }
  return names;
};

const waitingCommits = async (log: Log, staging: Branch | undefined, main: Branch | undefined): Promise<WaitingCommits> => {
  if (staging === undefined || main === undefined) return unknown(`the branch of ${staging === undefined ? 'staging' : 'main'} is not known here`);
  const commits = await log.commits({ from: staging.tip.commit, without: main.tip.commit, changes: false, atMost: WAITING_AT_MOST });
  const sources = commits.filter(({ parents, message }) => parents.length < 2 && pinTrailers(message) === null);
  const named = sources.slice(0, WAITING_NAMED).map((each) => ({ ...told(each), subject: each.message.split('\n', 1)[0] ?? '' }));
  return { known: true, value: { commits: named, more: sources.length - named.length } };
};

/** What git tells of all lanes. */
export interface LanesHistory {
  readonly lanes: readonly LaneFacts[];
  readonly commits: WaitingCommits;
}

type Asked = { readonly lane: BranchLane; readonly ref: string };

/** A branch, or why it is not known; what stops the command stops it. */
const tryBranch = async (log: Log, root: string, asked: Asked, folders: readonly string[]): Promise<Branch | { readonly reason: string }> => {
  const found = await commitNamed(root, asked.ref);
  if (found.told === null) return { reason: `${asked.ref} is not to be found in this clone: ${found.reason}` };
  try {
    return await readBranch(log, { ...asked, commit: found.told }, folders);
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    return { reason: asPinlaneError(thrown).problems[0]?.message ?? 'it can not be read' };
  }
};

/**
 * Reads from git what each lane's branch pins, since which of its commits, and which pin commit of staging wrote it. The number of questions to git does not
 * follow from the number of processors, and none of them reaches a network.
 * @throws ERR_GIT_UNUSABLE if none of the branches is in this clone; ERR_OPTION_INVALID from nx.json; ERR_CANCELLED
 */
export const readLanes = async ({ root, env, signal }: VerbContext, refs: Readonly<Record<BranchLane, string>>): Promise<LanesHistory> => {
  const log = openLog(root, signal);
  const prefix = await openClone({ folder: root, remote: 'origin', env, signal }).prefix();
  const folders = (await processorFolders(root)).map((folder) => (folder === '' ? prefix : `${prefix}${folder}/`));
  const asked = BRANCH_LANES.map((lane) => ({ lane, ref: refs[lane] }));
  const [shallow, ...tried] = await Promise.all([isShallow(root), ...asked.map((each) => tryBranch(log, root, each, folders))]);
  const branches = tried.filter((each) => 'tip' in each);
  if (branches.length === 0)
    return fail('ERR_GIT_UNUSABLE', tried.map((each) => ('reason' in each ? each.reason : '')).join('; '), {
      fix: 'Fetch the branches of the lanes (git fetch origin), or name them: --staging=staging.',
    });
  const texts = openPinTexts(log);
  await texts.load(branches.flatMap(({ files }) => files.map(({ blob }) => blob)));
  const [staging, main] = (['staging', 'main'] as const).map((lane) => branches.find((each) => each.lane === lane));
  const [pinning, parents, commits] = await Promise.all([
    staging === undefined ? null : log.commits({ from: staging.tip.commit, line: `${SOURCE_TRAILER}: `, changes: true, atMost: PIN_COMMITS_AT_MOST }),
    log.parents(
      branches.map(({ tip }) => tip.commit),
      GRAPH_AT_MOST,
    ),
    waitingCommits(log, staging, main),
  ]);
  const all: Commits = { pinning, parents, shallow, staging: refs.staging };
  const names = namesOf(branches, texts);
  const partial = shallow ? 'this clone has a part of the history only (git fetch --unshallow)' : null;
  const lanes: LaneFacts[] = [];
  for (const [at, each] of tried.entries()) {
    if ('reason' in each) {
      lanes.push({ ...asked[at]!, tip: unknown(each.reason), partial: null, files: [] });
      continue;
    }
    const [since, writtenBy] = [await arrivals(each, texts, shallow), await writers(each, { texts, names, all })];
    const files = each.files.map(({ path, blob }, file): LaneFile => {
      const shown = path.startsWith(prefix) ? path.slice(prefix.length) : path;
      return { file: shown, pins: texts.pinsIn(blob, path), since: since[file]!, writtenBy: writtenBy[file]! };
    });
    lanes.push({ ...asked[at]!, tip: { known: true, value: told(each.tip) }, partial, files });
  }
  return { lanes, commits };
};
