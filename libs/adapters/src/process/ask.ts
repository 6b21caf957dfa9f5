import { startProgram, type ProgramEnd, type StartedProgram, type StartRequest } from './start.ts';

/** A short question to a program. */
export interface Question extends Pick<StartRequest, 'command' | 'args' | 'cwd' | 'env' | 'group'> {
  /** What it reads on stdin; nothing if absent. */
  readonly input?: string;
  /** Whether its stdin stays open behind the input until it has ended: by its end it learns that this process is gone, however that went. */
  readonly holdsInput?: boolean;
  readonly timeoutMs: number;
  /** The most that it may write to stdout and to stderr together, in bytes; 1 MiB if absent. */
  readonly maxBytes?: number;
  /** How what it writes is read: `latin1` makes one character of each byte, so that none is lost; `utf8` if absent. */
  readonly encoding?: 'utf8' | 'latin1';
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

/** What the program wrote before it ended is there at once; another process that holds its output open is waited for no longer than this, in ms. */
const SETTLE_MS = 1_000;

/** A time that can be called off; `over` settles when it has passed. */
const wait = (ms: number): { readonly over: Promise<void>; readonly clear: () => void } => {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return { over, clear: () => clearTimeout(timer) };
};

/** Settles when the signal comes, and never without one. */
const whenAborted = (signal: AbortSignal | undefined): { readonly aborted: Promise<void>; readonly clear: () => void } => {
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal?.addEventListener('abort', stop, { once: true });
  });
  return { aborted, clear: () => signal?.removeEventListener('abort', stop) };
};

/** Takes what a program writes. `full` settles when that is more than it may be; nothing is kept from then on. */
const takeOutput = ({ stdout, stderr }: StartedProgram, maxBytes: number, encoding: 'utf8' | 'latin1') => {
  const said = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let size = 0;
  const full = new Promise<void>((resolve) => {
    const take = (into: Uint8Array[]) => (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > maxBytes) resolve();
      else into.push(chunk);
    };
    stdout.on('data', take(said.stdout));
    stderr.on('data', take(said.stderr));
  });
  const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString(encoding);
  return { full, said: () => ({ stdout: text(said.stdout), stderr: text(said.stderr) }) };
};

/** Waits for the end of a program, and for that of its output as long as nobody else holds it open. */
const ending = async (program: StartedProgram, full: Promise<Fault>): Promise<ProgramEnd | Fault | null> => {
  await program.exited;
  const settling = wait(SETTLE_MS);
  return Promise.race([program.ended, full, settling.over.then(() => null)]).finally(settling.clear);
};

/** Programs that are being asked. One listener ends them all: Node warns of more than ten. */
const asked = new Set<StartedProgram>();
const endAsked = (): void => {
  for (const program of asked) program.end();
};
const endWithThisProcess = (program: StartedProgram): void => {
  if (asked.size === 0) process.once('exit', endAsked);
  asked.add(program);
};
const letGo = (program: StartedProgram): void => {
  asked.delete(program);
  if (asked.size === 0) process.off('exit', endAsked);
};

/**
 * Asks a program something; every exit code, and every reason for having no answer, is returned rather than thrown. It has the answer when the program has
 * ended, though a process that was left behind keeps its output open. One that gives no answer is killed, and with `group` all that it started. Unlike a
 * `ProcessRunner` this loads nothing, so it is for what most runs ask, such as git.
 */
export const ask = async ({ input, holdsInput = false, timeoutMs, maxBytes = MAX_BYTES, encoding = 'utf8', signal, ...request }: Question): Promise<Answer> => {
  if (signal?.aborted) return { exitCode: null, stdout: '', stderr: '', fault: 'aborted' };
  const program = startProgram({ ...request, input: input !== undefined || holdsInput });
  endWithThisProcess(program);
  const { full, said } = takeOutput(program, maxBytes, encoding);
  const late = wait(timeoutMs);
  const stop = whenAborted(signal);
  if (input !== undefined) program.write(input);
  if (!holdsInput) program.endInput();
  const tooLong = full.then((): Fault => 'too long');
  const end = await Promise.race([ending(program, tooLong), tooLong, late.over.then((): Fault => 'late'), stop.aborted.then((): Fault => 'aborted')]);
  late.clear();
  stop.clear();
  if (end === null || typeof end === 'string') {
    program.end();
    for (const stream of [program.stdout, program.stderr]) stream.destroy();
  }
  letGo(program);
  if (typeof end === 'string') return { exitCode: null, ...said(), fault: end };
  const error = end?.error;
  const fault = error === undefined ? null : error.code === 'ENOENT' ? 'missing' : 'unstartable';
  return { exitCode: program.exitCode(), ...said(), fault, errorCode: error?.code };
};
