import { createHash } from 'node:crypto';
import { fail } from '@pinlane/contracts';
import { ask, redactText, type Answer } from '../process/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What is needed to reach the repository that a clone is of. */
export interface CloneOptions {
  readonly folder: string;
  readonly remote: string;
  readonly env: Env;
  readonly signal: AbortSignal;
  /** A token for the remote; where absent, what git finds itself: what the checkout left in its configuration, a helper, GIT_ASKPASS, a key of SSH. */
  readonly token?: string | undefined;
}

/** What git and its remote wrote when something went wrong, without logins. */
export interface GitFailure {
  readonly said: string;
  /** Whether git ran and ended by itself. */
  readonly ended: boolean;
}

/** A file of a tree. */
export interface TreeFile {
  readonly mode: string;
  readonly blob: string;
  readonly path: string;
}

/** One path in which two trees differ. */
export interface TreeChange {
  readonly status: string;
  readonly modeBefore: string;
  readonly modeAfter: string;
  readonly path: string;
}

/** A commit that is to be made. */
export interface NewCommit {
  readonly tree: string;
  readonly parent: string;
  readonly message: string;
  readonly identity: { readonly name: string; readonly email: string };
  /** In seconds since 1970. */
  readonly time: number;
}

const COMMIT = /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/;
const LOCAL_MS = 60_000;
const REMOTE_MS = 180_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Settings that make git do here only what it is asked: no hook, no program of the user, no other words, and no second thought about what is stored. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'i18n.commitEncoding=UTF-8',
  'push.gpgSign=false',
  'push.followTags=false',
  'push.recurseSubmodules=no',
  'fetch.recurseSubmodules=no',
].flatMap((setting) => ['-c', setting]);

/** Git's traces hold what it sends. */
const withoutTraces = (env: Env): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_TRACE') && name !== 'GIT_CURL_VERBOSE'));

/** The id that git gives a blob (gitformat-pack, gitrepository-layout: `blob <size>\0` and the bytes). */
const blobId = (bytes: Uint8Array, like: string): string =>
  createHash(like.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex');

/** The variables that hand a token to the remote's host alone, and to no redirect; no argument and no file holds it. */
const tokenVariables = (url: string, token: string, env: Env): Record<string, string> => {
  if (!/^https:\/\/|^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]/.test(url))
    return fail('ERR_PIN_COMMIT_DENIED', 'a token is sent by HTTPS alone, and the remote is reached otherwise', { fix: 'Unset PINLANE_GIT_TOKEN.' });
  const key = `http.${new URL(url).origin}/.extraheader`;
  const count = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const entries = [
    // An empty value takes away what the checkout left, so that one login is sent and not two.
    [key, ''],
    [key, `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`],
    ['http.followRedirects', 'false'],
  ];
  return Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(count + entries.length)],
    ...entries.flatMap(([name, value], at) => [
      [`GIT_CONFIG_KEY_${count + at}`, name],
      [`GIT_CONFIG_VALUE_${count + at}`, value],
    ]),
  ]) as Record<string, string>;
};

const failureOf = ({ stdout, stderr, fault, exitCode }: Answer, secrets: readonly string[]): GitFailure => ({
  said: redactText(
    (fault === 'missing' ? 'git is not installed' : fault === 'late' ? `timed out\n${stderr}` : `${stderr}\n${stdout}`).trim() || `exit code ${exitCode}`,
    secrets,
  ).slice(-4000),
  ended: fault === null && exitCode !== null,
});

/**
 * A clone, for work with git's plumbing: objects are added to it, and its working tree, index, branches and configuration stay as they are. Nothing of the
 * user's configuration is run (hooks, fsmonitor, signing), and credentials come by git's own ways or by environment.
 */
export const openClone = ({ folder, remote, env, signal, token }: CloneOptions) => {
  const secrets = token === undefined ? [] : [token, Buffer.from(`x-access-token:${token}`).toString('base64')];
  const base = { ...withoutTraces(env), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', GIT_NO_REPLACE_OBJECTS: '1' };
  const git = async (args: readonly string[], more: { readonly input?: string; readonly env?: Env; readonly timeoutMs?: number } = {}): Promise<Answer> => {
    const answer = await ask({
      command: 'git',
      args: [...SETTINGS, ...args],
      cwd: folder,
      env: { ...base, ...more.env },
      timeoutMs: more.timeoutMs ?? LOCAL_MS,
      maxBytes: MAX_BYTES,
      group: true,
      signal,
      ...(more.input === undefined ? {} : { input: more.input }),
    });
    if (answer.fault === 'aborted') fail('ERR_CANCELLED', 'git was interrupted');
    return answer;
  };
  /** @throws ERR_TOOL_MISSING, ERR_GIT_UNUSABLE */
  const must = async (...args: Parameters<typeof git>): Promise<string> => {
    const answer = await git(...args);
    if (answer.exitCode === 0 && answer.fault === null) return answer.stdout;
    if (answer.fault === 'missing') return fail('ERR_TOOL_MISSING', 'git is not installed, or not on PATH');
    return fail('ERR_GIT_UNUSABLE', `git ${args[0][0]}: ${failureOf(answer, secrets).said}`);
  };
  let variables: Record<string, string> | undefined;
  const reached = async (args: readonly string[]): Promise<{ readonly stdout: string } | GitFailure> => {
    if (token !== undefined) variables ??= tokenVariables((await must(['remote', 'get-url', '--push', '--', remote])).trim(), token, env);
    const answer = await git(args, { timeoutMs: REMOTE_MS, ...(variables === undefined ? {} : { env: variables }) });
    return answer.exitCode === 0 && answer.fault === null ? { stdout: answer.stdout } : failureOf(answer, secrets);
  };

  return {
    /** The commit that is checked out, on a branch or not. @throws ERR_GIT_UNUSABLE */
    head: async (): Promise<string> => (await must(['rev-parse', '--verify', 'HEAD^{commit}'])).trim(),
    /** The folder's path below the top of the working tree: empty, or with `/` at its end. */
    prefix: async (): Promise<string> => (await must(['rev-parse', '--show-prefix'])).replace(/\n$/, ''),
    /** What differs from HEAD in index or working tree, and what nobody has added or ignored; relative to the top. */
    changes: async (): Promise<{ readonly path: string; readonly untracked: boolean }[]> => {
      const fields = (await must(['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=none'])).split('\0');
      return fields.filter((field) => field !== '').map((field) => ({ path: field.slice(3), untracked: field.startsWith('??') }));
    },
    /** The regular file of a commit; null if it has none at that path. @param path relative to the top */
    fileOf: async (commit: string, path: string): Promise<TreeFile | null> => {
      const [, mode, kind, blob] =
        /^(\d+) (\w+) ([a-f0-9]+)\t/.exec(await must(['--literal-pathspecs', 'ls-tree', '-z', '--full-tree', commit, '--', path])) ?? [];
      return kind === 'blob' && mode !== undefined && blob !== undefined && mode.startsWith('100') ? { mode, blob, path } : null;
    },
    /** The text of a blob, byte for byte; null if it is not UTF-8. */
    text: async (blob: string): Promise<string | null> => {
      const text = await must(['cat-file', 'blob', blob]);
      return blobId(Buffer.from(text), blob) === blob ? text : null;
    },
    /** The message of a commit, and its time in seconds since 1970. */
    about: async (commit: string): Promise<{ readonly message: string; readonly time: number; readonly parents: readonly string[] }> => {
      const [time = '0', parents = '', ...message] = (await must(['log', '-1', '--no-show-signature', '--format=%ct%n%P%n%B', commit, '--'])).split('\n');
      return { message: message.join('\n'), time: Number(time), parents: parents.split(' ').filter(Boolean) };
    },
    /** Whether one commit is another's ancestor, or it; false also if it is not in this clone. */
    isAncestor: async (ancestor: string, of: string): Promise<boolean> =>
      (await git(['merge-base', '--is-ancestor', '--end-of-options', ancestor, of])).exitCode === 0,
    /** The commits that one commit has and another has not, newest first, at most a thousand. */
    since: async (ancestor: string, of: string): Promise<string[]> =>
      (await must(['rev-list', '--topo-order', '--max-count=1000', of, `^${ancestor}`, '--'])).split('\n').filter((line) => COMMIT.test(line)),
    /** Those of them that changed a file, at most two hundred. @param path relative to the top */
    changing: async (ancestor: string, of: string, path: string): Promise<string[]> => {
      const range = ['--topo-order', '--full-history', '--max-count=200', of, `^${ancestor}`];
      return (await must(['--literal-pathspecs', 'rev-list', ...range, '--', path])).split('\n').filter((line) => COMMIT.test(line));
    },
    /** The commits in the history of one whose message has a text in it, newest first, at most a hundred. */
    saying: async (text: string, of: string): Promise<string[]> =>
      (await must(['rev-list', '--topo-order', '--max-count=100', '--fixed-strings', `--grep=${text}`, of, '--']))
        .split('\n')
        .filter((line) => COMMIT.test(line)),
    /** The tree without files: whatever a commit has differs from it. */
    emptyTree: async (): Promise<string> => (await must(['hash-object', '-t', 'tree', '--stdin'], { input: '' })).trim(),
    /** Sets something in the configuration of this clone alone. */
    configure: async (name: string, value: string): Promise<void> => void (await must(['config', '--local', name, value])),
    /** Puts a text into the clone. @returns its blob */
    write: async (text: string): Promise<string> => (await must(['hash-object', '-w', '--no-filters', '--stdin'], { input: text })).trim(),
    /** A tree like a commit's but for some files. @param index the path of a file that git may make */
    treeWith: async (commit: string, files: readonly TreeFile[], index: string): Promise<string> => {
      const own = { env: { GIT_INDEX_FILE: index } };
      await must(['read-tree', commit], own);
      await must(['update-index', '-z', '--index-info'], { ...own, input: files.map(({ mode, blob, path }) => `${mode} ${blob}\t${path}\0`).join('') });
      return (await must(['write-tree', '--missing-ok'], own)).trim();
    },
    commit: async ({ tree, parent, message, identity: { name, email }, time }: NewCommit): Promise<string> => {
      const who = (role: string) => ({ [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email, [`GIT_${role}_DATE`]: `@${time} +0000` });
      return (
        await must(['commit-tree', '--no-gpg-sign', tree, '-p', parent, '-F', '-'], { input: message, env: { ...who('AUTHOR'), ...who('COMMITTER') } })
      ).trim();
    },
    /** Every path in which the trees of two commits differ. */
    differences: async (before: string, after: string): Promise<TreeChange[]> => {
      const fields = (await must(['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', before, after, '--'])).split('\0');
      return fields.flatMap((field, at) => {
        const [, modeBefore, modeAfter, status] = /^:(\d+) (\d+) [a-f0-9]+ [a-f0-9]+ ([A-Z])/.exec(field) ?? [];
        return status === undefined ? [] : [{ status, modeBefore: modeBefore!, modeAfter: modeAfter!, path: fields[at + 1] ?? '' }];
      });
    },
    /** A setting of git; null if it is unset. */
    setting: async (name: string): Promise<string | null> => (await git(['config', '--get', name])).stdout.trim() || null,
    /** The commit at which a branch of the remote is, with its history fetched; null if there is no such branch. */
    fetchTip: async (branch: string): Promise<{ readonly tip: string | null } | GitFailure> => {
      const listed = await reached(['ls-remote', '--quiet', '--', remote, `refs/heads/${branch}`]);
      if (!('stdout' in listed)) return listed;
      const tip = listed.stdout
        .split('\n')
        .map((line) => line.split('\t'))
        .find(([, name]) => name === `refs/heads/${branch}`)?.[0];
      if (tip === undefined || !COMMIT.test(tip)) return { tip: null };
      const options = ['--quiet', '--no-tags', '--no-prune', '--no-write-fetch-head', '--refmap=', '--no-recurse-submodules'];
      const fetched = await reached(['fetch', ...options, '--', remote, tip]);
      return 'stdout' in fetched ? { tip } : fetched;
    },
    /** Pushes a commit to a branch of the remote, if that still is at the commit it was made on. @returns null if it arrived */
    push: async (commit: string, branch: string, expected: string): Promise<GitFailure | null> => {
      const ref = `refs/heads/${branch}`;
      const pushed = await reached([
        'push',
        '--porcelain',
        '--no-verify',
        '--no-signed',
        `--force-with-lease=${ref}:${expected}`,
        '--',
        remote,
        `${commit}:${ref}`,
      ]);
      return 'stdout' in pushed ? null : pushed;
    },
  };
};

/** See {@link openClone}. */
export type Clone = ReturnType<typeof openClone>;
