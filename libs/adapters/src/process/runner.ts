import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fail } from '@pinlane/contracts';
import { describeCommand, redactText } from './redact.ts';

/** A program to run: an argument vector, never a shell's text. */
export interface ProcessRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Variables set besides those of this process; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the program sees `env` alone and nothing of this process's environment. */
  readonly cleanEnv?: boolean;
  readonly input?: string | Uint8Array | Readable;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Whether it gets a process group of its own, which ends as a whole when it is cancelled: for a program that lets another do the work. */
  readonly group?: boolean;
  /** Takes what it writes to stderr, as it comes. */
  readonly onStderr?: (piece: string) => void;
  /** Values that must not appear in any message. */
  readonly secrets?: readonly string[];
  /** Exit codes that are answers rather than failures, besides 0. */
  readonly expectedCodes?: readonly number[];
  /** The most that is kept of each of stdout and stderr, in bytes; more is ERR_ADAPTER. 64 MiB if absent. */
  readonly maxBytes?: number;
  /** What installs the program, for the message if it is missing. */
  readonly install?: string;
}

export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs programs to their end. Tests give their own. */
export interface ProcessRunner {
  /** @throws ERR_TOOL_MISSING, ERR_ADAPTER with the exit code and the end of stderr, ERR_CANCELLED */
  run(request: ProcessRequest): Promise<ProcessResult>;
}

const TAIL_LINES = 20;
const MAX_BYTES = 64 * 1024 * 1024;

const tail = (text: string): string => text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n').slice(-4000);

const GRACE_MS = 4000;

/** Ends a process group when the signal comes, and when this process exits. Returns what takes that back. */
const endGroupOn = (signal: AbortSignal | undefined, pid: number | undefined): (() => void) => {
  if (pid === undefined) return () => undefined;
  const kill = (how: NodeJS.Signals) => {
    try {
      process.kill(-pid, how);
    } catch {
      // All of it has ended.
    }
  };
  let patience: NodeJS.Timeout | undefined;
  const stop = () => {
    kill('SIGTERM');
    patience = setTimeout(() => kill('SIGKILL'), GRACE_MS).unref();
  };
  const now = () => kill('SIGKILL');
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  process.once('exit', now);
  return () => {
    signal?.removeEventListener('abort', stop);
    process.off('exit', now);
    clearTimeout(patience);
  };
};

const optionsFor = ({ input, maxBytes, cleanEnv, cwd, env, timeoutMs, signal, group = false }: ProcessRequest) =>
  ({
    reject: false,
    stdin: input === undefined ? 'ignore' : 'pipe',
    stripFinalNewline: false,
    maxBuffer: maxBytes ?? MAX_BYTES,
    extendEnv: cleanEnv !== true,
    forceKillAfterDelay: 5000,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: env as Record<string, string> }),
    ...(input === undefined ? {} : { input }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    ...(group ? { detached: true, cleanup: false } : {}),
    ...(signal === undefined || group ? {} : { cancelSignal: signal }),
  }) as const;

/** What the message about a program that failed is made of. */
interface Failure {
  readonly code?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly timedOut: boolean;
  readonly isMaxBuffer: boolean;
  readonly originalMessage?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const throwFailure = ({ command, args, cwd, install, timeoutMs, secrets = [] }: ProcessRequest, failure: Failure): never => {
  const { code, exitCode, signal, timedOut, isMaxBuffer, originalMessage, stdout, stderr } = failure;
  // A missing working folder looks just like a missing program.
  const folderMissing = cwd !== undefined && !existsSync(cwd);
  if (code === 'ENOENT' && exitCode === undefined && !folderMissing)
    return fail('ERR_TOOL_MISSING', `${command} is not installed, or not on PATH`, install === undefined ? {} : { fix: install });
  const why = timedOut
    ? `did not end within ${timeoutMs} ms`
    : folderMissing
      ? `was to run in ${cwd}, which does not exist`
      : isMaxBuffer
        ? 'wrote more than is kept'
        : exitCode === undefined
          ? (signal ?? redactText(originalMessage ?? 'could not be started', secrets))
          : `exited with ${exitCode}`;
  const said = tail(stderr) || tail(stdout);
  return fail('ERR_ADAPTER', `${describeCommand(command, args, secrets)} ${why}${said ? `:\n${redactText(said, secrets)}` : ''}`);
};

/** A {@link ProcessRunner} over real processes. A program that ignores SIGTERM is killed after 5 s. */
export const createProcessRunner = (): ProcessRunner => ({
  run: async (request) => {
    const { command, args, secrets = [], expectedCodes = [], group = false, signal, onStderr } = request;
    // Loaded only here: most tasks start no program, and it takes 18 ms.
    const { execa } = await import('execa');
    const running = execa(command, args, optionsFor(request));
    if (onStderr) running.stderr?.setEncoding('utf8').on('data', onStderr);
    const release = group ? endGroupOn(signal, running.pid) : undefined;
    const result = await running.finally(() => release?.());
    const { stdout, stderr, exitCode } = result;
    // A program that ends in good order when it is told to may choose any exit code, also 0.
    if (result.isCanceled || (group && signal?.aborted)) return fail('ERR_CANCELLED', `${describeCommand(command, args, secrets)} was interrupted`);
    if (!result.failed || (exitCode !== undefined && expectedCodes.includes(exitCode))) return { exitCode: exitCode ?? 0, stdout, stderr };
    return throwFailure(request, result);
  },
});
