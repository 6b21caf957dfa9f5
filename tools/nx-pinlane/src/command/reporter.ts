import type { Progress } from '@pinlane/contracts';

/** The two streams that a command writes to. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

/** Prints what a command does, and its outcome. */
export interface Reporter {
  /** Tells what is being done now: one line that replaces the last one on a terminal, a line of its own in CI. */
  readonly progress: Progress;
  /** Tells what a reader of the log must know. */
  readonly note: (line: string) => void;
  /** Prints the outcome: lines for a person, or with --json the one document. */
  readonly finish: (outcome: { readonly lines: readonly string[]; readonly document: unknown }) => void;
  readonly fail: (text: string) => void;
}

const ERASE_LINE = '\r\u001b[2K';

/** A {@link Reporter} on two streams. With `json` stdout holds the document and nothing else. */
export const createReporter = ({ stdout, stderr }: Streams, options: { readonly json: boolean; readonly ci: boolean; readonly verbose: boolean }): Reporter => {
  const live = stderr.isTTY === true && !options.ci;
  const lines = (to: { write(text: string): unknown }, text: readonly string[]) => {
    // Nx runs several tasks on one terminal: the line that stands there may be another one's.
    if (live) stderr.write(ERASE_LINE);
    if (text.length > 0) to.write(`${text.join('\n')}\n`);
  };
  return {
    progress: (line) => {
      // A terminal that does not tell how wide it is has 0 columns.
      if (live) stderr.write(`${ERASE_LINE}${line.slice(0, Math.max(20, (stderr.columns || 80) - 1))}`);
      else if (options.ci || options.verbose) lines(stderr, [line]);
    },
    note: (line) => lines(stderr, [line]),
    finish: ({ lines: text, document }) => {
      if (options.json) {
        lines(stderr, text);
        if (document !== undefined) stdout.write(`${JSON.stringify(document)}\n`);
      } else lines(stdout, text);
    },
    fail: (text) => lines(stderr, [text]),
  };
};
