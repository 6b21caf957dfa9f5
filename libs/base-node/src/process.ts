import { createProcessRunner, redactText } from '@pinlane/adapters';
import { isPinlaneError } from '@pinlane/contracts';

/** How a program is run here. */
export interface RunOptions {
  readonly cwd: string;
  /** All that the program sees of the environment, besides the language of its messages. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** What a program answered. */
export interface RunResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** Its stderr, without credentials in addresses. */
  readonly stderr: string;
}

const runner = createProcessRunner();
const ANY_CODE = Array.from({ length: 255 }, (_, index) => index + 1);

/** The environment, changed so that messages are in English and without colours. */
export const plainEnvironment = (env: RunOptions['env']): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[0] !== 'FORCE_COLOR')),
  LC_ALL: 'C',
  NO_COLOR: '1',
});

/** Runs a program to its end; a non-zero exit is an answer here, not an exception. @throws ERR_TOOL_MISSING, ERR_CANCELLED */
export const run = async (command: string, args: readonly string[], { cwd, env, signal }: RunOptions): Promise<RunResult> => {
  const result = await runner.run({ command, args, cwd, env: plainEnvironment(env), cleanEnv: true, signal, expectedCodes: ANY_CODE });
  return { ok: result.exitCode === 0, stdout: result.stdout, stderr: redactText(result.stderr).trim() };
};

/** Whether a program is there and answers `--version`. */
export const isInstalled = async (program: string, options: RunOptions): Promise<boolean> => {
  try {
    return (await run(program, ['--version'], options)).ok;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_TOOL_MISSING')) return false;
    throw error;
  }
};
