import type { ExitCode, Progress } from '@pinlane/contracts';

/** What a flow may know of the world besides its options. */
export interface FlowContext {
  /** The workspace's root. */
  readonly root: string;
  /** The project's name, a processor's slug. */
  readonly project: string;
  /** The project's folder, relative to the root, with `/`. */
  readonly projectRoot: string;
  /** Whether the image was built before this, in the same run: a lane that believes no earlier run believes this. */
  readonly afterBuild: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  /** For what a reader of the log must know; one line. */
  readonly note: (line: string) => void;
  /** For what goes on until it is stopped: says that it is ready, as an outcome does at the end of others. */
  readonly announce: (ready: Pick<FlowOutcome, 'document' | 'lines'>) => void;
  readonly signal: AbortSignal;
}

/** What came of a flow: a document for programs, lines for people, and how the command exits. */
export interface FlowOutcome {
  /** Undefined where it was announced before. */
  readonly document: unknown;
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}
