import { execa } from 'execa';
import { fail } from '@pinlane/contracts';

/** How a program is run here: argv as an array, never a shell; messages in English. */
export interface RunOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** What a program answered. */
export interface RunResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** What it complained of, without credentials in addresses. */
  readonly stderr: string;
}

/** Takes user names and passwords out of the addresses in a text. */
export const redactAddresses = (text: string): string => text.replaceAll(/:\/\/[^/@\s]+@/g, '://***@');

/** The environment with messages in English and without what would colour or decorate them. */
export const plainEnvironment = (env: RunOptions['env']): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)),
  LC_ALL: 'C',
  NO_COLOR: '1',
});

/**
 * Runs a program to its end; a non-zero exit is an answer, not an exception.
 * @throws ERR_TOOL_MISSING where there is no such program, ERR_CANCELLED
 */
export const run = async (program: string, args: readonly string[], { cwd, env, signal }: RunOptions): Promise<RunResult> => {
  const result = await execa(program, args, {
    cwd,
    env: plainEnvironment(env),
    extendEnv: false,
    cancelSignal: signal,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 64 * 1024 * 1024,
    stripFinalNewline: false,
  });
  if (result.isCanceled || signal.aborted) fail('ERR_CANCELLED', `${program} was interrupted`);
  if (result.code === 'ENOENT') fail('ERR_TOOL_MISSING', `${program} is not installed`, { fix: `install ${program}` });
  return { ok: !result.failed, stdout: result.stdout, stderr: redactAddresses(result.stderr).trim() };
};

/** Whether a program answers `--version`. */
export const isInstalled = async (program: string, options: RunOptions): Promise<boolean> =>
  (await execa(program, ['--version'], { cwd: options.cwd, env: plainEnvironment(options.env), extendEnv: false, reject: false, stdin: 'ignore' })).exitCode ===
  0;
