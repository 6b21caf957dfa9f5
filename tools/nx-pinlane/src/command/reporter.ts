import type { Progress } from '@pinlane/contracts';
import { createSteps } from './steps.ts';

/** The two streams that a command writes to. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  /** Where steps are told as they come, if what is written to the others is shown only when the work is over. */
  readonly aside?: { write(text: string): unknown };
}

/** Prints what a command does, and its outcome. */
export interface Reporter {
  /** Tells what is being done now: one line that replaces the last one on a terminal; elsewhere a line for what takes time, or with --verbose for every step. */
  readonly progress: Progress;
  /** Tells what a reader of the log must know. */
  readonly note: (line: string) => void;
  /** Prints the outcome: lines for a person, or with --json the one document. */
  readonly finish: (outcome: { readonly lines: readonly string[]; readonly document: unknown }) => void;
  readonly fail: (text: string) => void;
  /** No more is told: the command is over. */
  readonly end: () => void;
}

/** How a command speaks. */
export interface Manner {
  readonly json: boolean;
  readonly ci: boolean;
  readonly verbose: boolean;
  /** Who speaks: tasks of several projects share an output. Empty for a command about the whole workspace. */
  readonly project: string;
  /** What is told of a command that names no step. */
  readonly verb: string;
}

const ERASE_LINE = '\r\u001b[2K';

/** A {@link Reporter} on two streams. With `json` stdout holds the document and nothing else. */
export const createReporter = ({ stdout, stderr, aside }: Streams, { json, ci, verbose, project, verb }: Manner): Reporter => {
  const live = stderr.isTTY === true && !ci;
  const spoken = (line: string): string => (project === '' ? line : `${project}: ${line}`);
  const print = (to: { write(text: string): unknown }, text: readonly string[]) => {
    // Nx runs several tasks on one terminal: the line that stands there may be another one's.
    if (live) stderr.write(ERASE_LINE);
    if (text.length > 0) to.write(`${text.join('\n')}\n`);
  };
  const tell = (line: string): void => print(aside ?? stderr, [spoken(line)]);
  const steps = live ? null : createSteps(tell, { every: verbose, first: verb });
  const lines = (to: { write(text: string): unknown }, text: readonly string[]) => {
    print(to, text);
    steps?.wrote();
  };
  return {
    progress: (line, kind = 'step') => {
      if (kind === 'note') lines(stderr, [line]);
      else if (steps) steps.begin(line);
      // A terminal that does not tell how wide it is has 0 columns.
      else stderr.write(`${ERASE_LINE}${spoken(line).slice(0, Math.max(20, (stderr.columns || 80) - 1))}`);
    },
    note: (line) => lines(stderr, [line]),
    finish: ({ lines: text, document }) => {
      steps?.end();
      if (json) {
        print(stderr, text);
        if (document !== undefined) stdout.write(`${JSON.stringify(document)}\n`);
      } else print(stdout, text);
    },
    fail: (text) => print(stderr, [text]),
    end: () => steps?.end(),
  };
};
