import type { ExitCode, Progress } from '@pinlane/contracts';

/** What a flow may know of the world besides its options. */
export interface FlowContext {
  /** The workspace's root. */
  readonly root: string;
  /** The project's name, a processor's slug. */
  readonly project: string;
  /** The project's folder, relative to the root, with `/`. */
  readonly projectRoot: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  /** For what a reader of the log must know; one line. */
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What came of a flow: a document for programs, lines for people, and how the command exits. */
export interface FlowOutcome {
  readonly document: unknown;
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}
