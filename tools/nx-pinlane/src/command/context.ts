import type { ExitCode, Progress } from '@pinlane/contracts';
import type { RepositoryOptions } from '@pinlane/oci';
import type { AtEnd } from './at-end.ts';
import type { Once } from './once.ts';

/** The options of a project's targets as they are configured, not parsed. */
export interface BuildTargets {
  readonly bundle: Readonly<Record<string, unknown>> | null;
  readonly buildx: Readonly<Record<string, unknown>> | null;
}

/** What a verb may know of the world besides its options. */
export interface VerbContext {
  /** The workspace's root. */
  readonly root: string;
  /** The project's name, a processor's slug. */
  readonly project: string;
  /** The project's folder, relative to the root, with `/`. */
  readonly projectRoot: string;
  /** The folder of another project of the workspace, relative to the root; null if there is no such project, or nobody knows. */
  readonly rootOf: (project: string) => Promise<string | null>;
  /** The options of the targets by which a project is bundled and built, null if it has no such target of ours; undefined if nobody knows, as without Nx. */
  readonly targetsOf?: ((projectRoot: string) => BuildTargets) | undefined;
  /** Whether the image was built before this, in the same run: a lane that believes no earlier run believes this. */
  readonly afterBuild: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  /** Tells one line that a reader of the log must know. */
  readonly note: (line: string) => void;
  /** Tells that a verb which goes on until it is stopped is ready; other verbs tell their outcome at the end. */
  readonly announce: (ready: { readonly document: unknown; readonly lines: readonly string[] }) => void;
  /** Runs what only waits for others, such as a registry: tasks of the same process work meanwhile. */
  readonly waiting: <T>(work: () => Promise<T>) => Promise<T>;
  /** What tasks of the same process find out once: only what stays as it is while they run. */
  readonly once: Once;
  readonly atEnd: AtEnd;
  readonly signal: AbortSignal;
  /** How long registries are waited for; as their client has it if absent. */
  readonly patience?: Pick<RepositoryOptions, 'idleMs' | 'retry'>;
}

/** What came of a verb: a document for programs, lines for people, and how the command exits. */
export interface VerbOutcome<Document = unknown> {
  /** Undefined if it was announced before. */
  readonly document: Document | undefined;
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}
