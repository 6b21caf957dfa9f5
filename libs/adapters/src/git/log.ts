import { fail } from '@pinlane/contracts';
import { ask, type Answer } from '../process/index.ts';

/** A file that a commit changed; a blob is null where there is no file of that path. */
export interface LoggedChange {
  readonly before: string | null;
  readonly after: string | null;
  /** Its path before the commit: another one if it was renamed. */
  readonly from: string;
  readonly path: string;
  readonly sameMode: boolean;
}

/** A commit as git's log tells of it. All texts are whoever's who made it. */
export interface LoggedCommit {
  readonly commit: string;
  readonly parents: readonly string[];
  /** When it was committed, by its own word; null if that is no time. */
  readonly at: string | null;
  readonly author: string;
  readonly message: string;
  /** Empty of a merge, unless the log follows first parents. */
  readonly changes: readonly LoggedChange[];
}

/** Which commits are asked for. */
export interface LogSearch {
  /** A whole commit id: its history is looked through. */
  readonly from: string;
  /** A whole commit id, whose history is left out. */
  readonly without?: string;
  /** Whether a merge counts as one commit that changes what it brings, and what was merged is left out. */
  readonly firstParent?: boolean;
  /** The beginning of a line that the message must have: letters, hyphens, a colon and spaces. */
  readonly line?: string;
  /** Pathspecs that must be changed; see {@link pathspecBelow}. */
  readonly paths?: readonly string[];
  /** Whether changes are told. */
  readonly changes: boolean;
  readonly atMost: number;
}

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** What several blobs may have together in one answer, in bytes. */
const BLOBS_BYTES = 32 * 1024 * 1024;

/** Nobody's configuration decides what is told; a clone that lacks objects does not fetch them. */
const SETTINGS = ['core.quotePath=false', 'core.fsmonitor=false', 'log.showRoot=true', 'log.follow=false', 'log.showSignature=false'].flatMap((setting) => [
  '-c',
  setting,
]);
const ENV = { LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_OPTIONAL_LOCKS: '0', GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none' };

const FORMAT = '--format=%H%x00%P%x00%ct%x00%an%x00%B';
const FIELDS = 5;

const momentOf = (seconds: string): string | null => {
  const date = new Date(Number(seconds) * 1000);
  const year = date.getUTCFullYear();
  return Number.isNaN(year) || year < 0 || year > 9999 ? null : date.toISOString();
};

const blobOf = (mode: string, blob: string): string | null => (mode.startsWith('100') ? blob : null);

/** Reads what `git log -z --raw` wrote with {@link FORMAT}: no text can hold a NUL, and each kind of change has so many paths. */
const parseLog = (text: string): LoggedCommit[] => {
  const tokens = text.split('\0');
  const commits: (LoggedCommit & { readonly changes: LoggedChange[] })[] = [];
  for (let at = 0; at < tokens.length;) {
    const token = (tokens[at] as string).trimStart();
    const raw = /^:(\d+) (\d+) ([a-f0-9]+) ([a-f0-9]+) ([A-Z])/.exec(token);
    if (raw !== null) {
      const [, modeBefore, modeAfter, before, after, status] = raw as unknown as [string, string, string, string, string, string];
      const moved = status === 'R' || status === 'C';
      const from = tokens[at + 1] ?? '';
      const path = moved ? (tokens[at + 2] ?? '') : from;
      const change = { before: blobOf(modeBefore, before), after: blobOf(modeAfter, after), from, path, sameMode: modeBefore === modeAfter };
      commits.at(-1)?.changes.push(change);
      at += moved ? 3 : 2;
    } else if (COMMIT.test(token)) {
      const [parents, time, author, message] = tokens.slice(at + 1, at + FIELDS) as [string, string, string, string];
      commits.push({ commit: token, parents: parents.split(' ').filter(Boolean), at: momentOf(time), author, message: message.trimEnd(), changes: [] });
      at += FIELDS;
    } else at += 1;
  }
  return commits;
};

/** Reads what `git cat-file --batch` wrote, a character a byte: each text is as long as its head says, whatever is in it. */
const parseBlobs = (output: string): Map<string, string | null> => {
  const texts = new Map<string, string | null>();
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    if (end === -1) break;
    const [blob = '', kind, size] = output.slice(at, end).split(' ');
    at = end + 1;
    if (kind !== 'blob') continue;
    const bytes = Buffer.from(output.slice(at, at + Number(size)), 'latin1');
    try {
      texts.set(blob, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      texts.set(blob, null);
    }
    at += Number(size) + 1;
  }
  return texts;
};

/** A pathspec for every file of a name below a folder, relative to the top of the working tree; a folder is empty, or ends with `/`. */
export const pathspecBelow = (folder: string, name: string): string => `:(top,glob)${folder.replace(/[*?[\]\\]/g, '\\$&')}**/${name}`;

const whyNot = ({ fault, stderr }: Answer): string => {
  if (fault === 'missing') return 'git is not installed';
  if (fault !== null) return `git gave no answer (${fault})`;
  return stderr.trim().split('\n').at(-1) || 'git did not answer';
};

/**
 * Reads much of a repository's history in few questions, none of which reaches a network, writes anything or runs a program of the user.
 * Its functions throw ERR_GIT_UNUSABLE if git has no answer, and ERR_CANCELLED.
 */
export const openLog = (folder: string, signal: AbortSignal) => {
  const git = async (args: readonly string[], more: { readonly input?: string; readonly encoding?: 'latin1' } = {}): Promise<string> => {
    const question = { command: 'git', cwd: folder, env: { ...process.env, ...ENV }, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal };
    const answer = await ask({ ...question, args: [...SETTINGS, ...args], ...more });
    if (answer.fault === 'aborted') return fail('ERR_CANCELLED', 'git was interrupted');
    if (answer.exitCode === 0 && answer.fault === null) return answer.stdout;
    return fail('ERR_GIT_UNUSABLE', `git ${args[0]}: ${whyNot(answer)}`);
  };

  /** The sizes of blobs that are there, in bytes. */
  const sizesOf = async (blobs: readonly string[]): Promise<Map<string, number>> => {
    const output = await git(['cat-file', '--batch-check', '--buffer'], { input: `${blobs.join('\n')}\n` });
    const lines = output.split('\n').map((line) => line.split(' '));
    return new Map(lines.flatMap(([blob, kind, size]) => (blob !== undefined && kind === 'blob' ? [[blob, Number(size)] as const] : [])));
  };

  return {
    /** The commits that are asked for, newest first. */
    commits: async ({ from, without, firstParent = false, line, paths = [], changes, atMost }: LogSearch): Promise<LoggedCommit[]> => {
      const how = ['-z', '--encoding=UTF-8', '--no-color', '--no-notes', '--no-ext-diff', '--no-textconv', '--no-abbrev', FORMAT, `--max-count=${atMost}`];
      if (line !== undefined && !/^[a-z: -]+$/i.test(line)) fail('ERR_GIT_UNUSABLE', 'git can not be asked for such a line');
      const which = [...(firstParent ? ['--first-parent', '-m'] : []), ...(line === undefined ? [] : [`--grep=^${line}`])];
      const what = changes ? ['--raw', '--find-renames'] : ['--no-patch'];
      const range = without === undefined ? [from] : [from, `^${without}`];
      return parseLog(await git(['log', ...how, ...which, ...what, ...range, '--', ...paths]));
    },
    /** The parents of commits in the history of some, so many at most. */
    parents: async (from: readonly string[], atMost: number): Promise<Map<string, readonly string[]>> => {
      const lines = (await git(['rev-list', '--parents', `--max-count=${atMost}`, ...from, '--'])).split('\n').map((line) => line.split(' '));
      return new Map(lines.flatMap(([commit, ...parents]) => (commit !== undefined && COMMIT.test(commit) ? [[commit, parents] as const] : [])));
    },
    /** Regular files of a commit below folders, with their blobs. @param folders relative to the top; none for all */
    files: async (commit: string, folders: readonly string[]): Promise<{ readonly path: string; readonly blob: string }[]> => {
      const output = await git(['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', commit, '--', ...folders]);
      return output.split('\0').flatMap((entry) => {
        const [, blob] = /^100\d+ blob ([a-f0-9]+)\t/.exec(entry) ?? [];
        return blob === undefined ? [] : [{ blob, path: entry.slice(entry.indexOf('\t') + 1) }];
      });
    },
    /** The texts of blobs: null of one that is not UTF-8 or larger than a limit, nothing of one that this clone lacks. @param limit in bytes */
    texts: async (blobs: readonly string[], limit: number): Promise<Map<string, string | null>> => {
      const texts = new Map<string, string | null>();
      let [batch, room]: [string[], number] = [[], BLOBS_BYTES];
      const read = async (): Promise<void> => {
        if (batch.length === 0) return;
        const output = await git(['cat-file', '--batch', '--buffer'], { input: `${batch.join('\n')}\n`, encoding: 'latin1' });
        for (const [blob, text] of parseBlobs(output)) texts.set(blob, text);
        [batch, room] = [[], BLOBS_BYTES];
      };
      if (blobs.length === 0) return texts;
      for (const [blob, size] of await sizesOf(blobs)) {
        if (size > limit) texts.set(blob, null);
        else {
          if (size > room) await read();
          batch.push(blob);
          room -= size;
        }
      }
      await read();
      return texts;
    },
  };
};

/** See {@link openLog}. */
export type Log = ReturnType<typeof openLog>;
