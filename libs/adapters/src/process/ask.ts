import { startProgram, type StartRequest } from './start.ts';

/** A short question to a program. */
export interface Question extends Pick<StartRequest, 'command' | 'args' | 'cwd' | 'env'> {
  /** What it reads on stdin; nothing if absent. */
  readonly input?: string;
  readonly timeoutMs: number;
  /** The most that it may write to stdout and to stderr together, in bytes; 1 MiB if absent. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Why a question has no answer: the program is not installed, could not be started, took too long, wrote too much, or the signal came. */
export type Fault = 'missing' | 'unstartable' | 'late' | 'too long' | 'aborted';

export interface Answer {
  /** Null if it has not ended by itself. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly fault: Fault | null;
  /** The system's code, such as EACCES, if it could not be started. */
  readonly errorCode?: string | undefined;
}

const MAX_BYTES = 1024 * 1024;

/**
 * Asks a program something; every exit code, and every reason for having no answer, is returned rather than thrown. The time limit holds even if a process
 * that the program left behind keeps its output open. Unlike a `ProcessRunner` this loads nothing, so it is for what most runs ask, such as git.
 */
export const ask = async ({ input, timeoutMs, maxBytes = MAX_BYTES, signal, ...request }: Question): Promise<Answer> => {
  if (signal?.aborted) return { exitCode: null, stdout: '', stderr: '', fault: 'aborted' };
  const program = startProgram({ ...request, input: input !== undefined });
  const said = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let fault: Fault | null = null;
  let giveUp = (_: Fault): void => {};
  const cutShort = new Promise<{ readonly exitCode: number | null; readonly error?: undefined }>((resolve) => {
    giveUp = (why) => {
      // What ended in time, with its output held open by another, has said what it had to say.
      fault = why === 'late' && program.exitCode() !== null ? null : why;
      program.kill('SIGKILL');
      for (const stream of [program.stdout, program.stderr]) stream.destroy();
      resolve({ exitCode: program.exitCode() });
    };
  });
  let size = 0;
  for (const name of ['stdout', 'stderr'] as const)
    program[name].on('data', (chunk: Uint8Array) => {
      said[name].push(chunk);
      size += chunk.byteLength;
      if (size > maxBytes) giveUp('too long');
    });
  if (input !== undefined) {
    program.write(input);
    program.endInput();
  }
  const timer = setTimeout(() => giveUp('late'), timeoutMs);
  const abort = (): void => giveUp('aborted');
  signal?.addEventListener('abort', abort, { once: true });
  const { exitCode, error } = await Promise.race([program.ended, cutShort]);
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  if (error !== undefined) fault = error.code === 'ENOENT' ? 'missing' : 'unstartable';
  const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('utf8');
  return { exitCode, stdout: text(said.stdout), stderr: text(said.stderr), fault, errorCode: error?.code };
};
