import type { BuildPlan, BuiltImage } from './artefacts/build.ts';
import type { Isolation, RuntimeName } from './artefacts/acceptance.ts';

/** Where long work says what it is doing: one short line at a time, for a person. */
export type Progress = (line: string) => void;

/** Whether a thing can be used on this machine, and why not. */
export type Availability =
  { readonly available: true; readonly version: string } | { readonly available: false; readonly reason: string; readonly fix: string };

/** What builds images. */
export interface BuildEngine {
  readonly name: 'embedded' | 'docker';
  availability(): Promise<Availability>;
  /** @throws ERR_DOCKERFILE_UNSUPPORTED and the other codes of building */
  build(plan: BuildPlan, io: { readonly progress: Progress; readonly signal: AbortSignal }): Promise<BuiltImage>;
}

/** An answer of a processor; the body is whole. */
export interface ProcessorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ProcessorRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly timeoutMs?: number;
}

/** A processor that runs and has answered healthy. */
export interface RunningProcessor {
  readonly isolation: Isolation;
  readonly healthyAfterMs: number;
  /** The folder on this machine that the processor sees as its artifacts root. */
  readonly artifacts: string;
  request(request: ProcessorRequest): Promise<ProcessorResponse>;
  /** Everything written to stdout and stderr so far. */
  logs(): string;
  /** SIGTERM, then SIGKILL after the grace period; removes everything that was made. */
  stop(graceMs?: number): Promise<{ readonly exitCode: number | null }>;
}

/** What runs an image on this machine. */
export interface Runtime {
  readonly name: RuntimeName;
  availability(): Promise<Availability>;
}
