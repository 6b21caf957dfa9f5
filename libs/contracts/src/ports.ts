import type { BuildPlan, BuiltImage } from './artefacts/build.ts';
import type { Isolation, RuntimeName } from './artefacts/acceptance.ts';
import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

/** Where long work says what it is doing: one short line at a time, for a person. */
export type Progress = (line: string) => void;

/** Whether a thing can be used on this machine, and why not. */
export type Availability =
  { readonly available: true; readonly version: string } | { readonly available: false; readonly reason: string; readonly fix: string };

/** What an engine built. */
export interface Built {
  readonly image: BuiltImage;
  /** The layers of the Dockerfile that were made, and those that were there; null if the engine can't tell. */
  readonly layers: { readonly built: number; readonly reused: number } | null;
}

/** What builds images. */
export interface BuildEngine {
  readonly name: 'embedded' | 'docker';
  availability(): Promise<Availability>;
  /** Builds a plan's image into the store and names it there. @throws ERR_DOCKERFILE_UNSUPPORTED and the other codes of building */
  build(plan: BuildPlan, io: { readonly progress: Progress; readonly signal: AbortSignal }): Promise<Built>;
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
  /** Called with each piece of the answer as it comes, before the answer is whole. */
  readonly onData?: (chunk: Uint8Array) => void;
}

/** An address that is tried from where a processor runs. */
export interface NetworkTarget {
  readonly host: string;
  readonly port: number;
}

/** The network as it is seen from where a processor runs. */
export interface NetworkView {
  /** Whether this view was taken in the very network namespace in which the processor runs. */
  readonly sameNamespace: boolean;
  readonly interfaces: readonly string[];
  /** Routes that leave by another interface than lo. */
  readonly routes: readonly string[];
  readonly targets: readonly (NetworkTarget & { readonly reached: boolean })[];
}

/** A processor that runs and has answered. */
export interface RunningProcessor {
  /** What the runtime set up; `network` is `open` here, because only a probe can say otherwise. */
  readonly isolation: Isolation;
  readonly healthyAfterMs: number;
  /** The folder on this machine that the processor sees as its artifacts root. */
  readonly artifacts: string;
  /** The same folder as the processor names it. */
  readonly artifactsRoot: string;
  /** Where the processor listens, as seen from its own network. */
  readonly port: number;
  request(request: ProcessorRequest): Promise<ProcessorResponse>;
  /** Looks at the network from where the processor runs, and tries to connect to each target. */
  observeNetwork(targets: readonly NetworkTarget[]): Promise<NetworkView>;
  /** Stops the processor from being scheduled, or lets it go on: what is sent meanwhile arrives at one moment. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Everything written to stdout and stderr so far, in the order in which it came; the oldest is dropped beyond a few MiB. */
  logs(): string;
  /** What was written to stderr alone. */
  stderr(): string;
  /** Why it ended without having been stopped, such as a memory limit that it went over; null while it runs, and once it was stopped. */
  ended(): string | null;
  /** SIGTERM, then SIGKILL after the grace period; removes everything that was made. */
  stop(graceMs?: number): Promise<{ readonly exitCode: number | null }>;
}

/** The part of an image's config that says how it is run (OCI image specification, config.md). */
export interface ImageRunConfig {
  readonly Env?: readonly string[] | null | undefined;
  readonly Entrypoint?: readonly string[] | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly WorkingDir?: string | null | undefined;
  readonly User?: string | null | undefined;
}

/** An image of one platform, in every form in which a runtime may take it. A form is made when it is asked for. */
export interface RunnableImage {
  /** What is run, for a person and for names of things that are made of it: a processor's slug. */
  readonly name: string;
  readonly platform: Platform;
  /** The platform manifest's digest. */
  readonly digest: Digest;
  /** The digest of its config, which names what every layer unpacks to. */
  readonly configDigest: Digest;
  readonly config: ImageRunConfig;
  /** The folder into which it is unpacked; it is never written to. */
  rootfs(): Promise<string>;
  /** As a tar that `docker load` takes, to be kept under `name`. */
  archive(name: string): AsyncIterable<Uint8Array>;
}

/** The most that a processor may take of this machine. */
export interface RunLimits {
  /** CPUs; may be a fraction. */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Processes and threads together. */
  readonly pids: number;
}

export interface StartOptions {
  readonly image: RunnableImage;
  /** What of it is enforced, `RunningProcessor.isolation` says. */
  readonly limits: RunLimits;
  /** Everything the processor is told besides the image's own Env; nothing of this machine's environment is added. */
  readonly env: Readonly<Record<string, string>>;
  /** build.port; a runtime that shares the machine's network may choose another. The processor is told by PORT. */
  readonly port: number;
  /** A folder on this machine; the processor is told by ARTIFACTS_ROOT where it sees it. */
  readonly artifacts: string;
  /** `healthy`: /healthz answers 200. `answering`: it answers anything, for a processor that is started wrongly on purpose. */
  readonly until: 'healthy' | 'answering';
  readonly startTimeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What runs an image on this machine. */
export interface Runtime {
  readonly name: RuntimeName;
  availability(): Promise<Availability>;
  /** Where a processor sees a folder of this machine that is given as its artifacts root. */
  artifactsRootOf(artifacts: string): string;
  /**
   * @throws ERR_START_FAILED with the end of the log, ERR_PLATFORM_UNRUNNABLE where nothing here runs programs of its architecture, ERR_IMAGE_ROOT
   * from a runtime that runs nothing as root, ERR_RUNTIME_UNAVAILABLE, ERR_CANCELLED
   */
  start(options: StartOptions): Promise<RunningProcessor>;
}
