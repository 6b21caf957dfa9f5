import type { BuildPlan, BuiltImage } from './artefacts/build.ts';
import type { Isolation, RuntimeName } from './artefacts/acceptance.ts';
import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

/**
 * Takes one short line for a person: a step of long work, which the next one replaces, or a note that a reader of the log must know. A step does not name
 * the project: whoever prints it does.
 */
export type Progress = (line: string, kind?: 'step' | 'note') => void;

/** Whether an engine or a runtime can be used on this machine; if not, why, and what mends it. */
export type Availability =
  { readonly available: true; readonly version: string } | { readonly available: false; readonly reason: string; readonly fix: string };

/** The result of a build. */
export interface Built {
  readonly image: BuiltImage;
  /** How many layers of the Dockerfile were made, and how many were there already; null if the engine can't tell. */
  readonly layers: { readonly built: number; readonly reused: number } | null;
}

/** An engine that builds images. */
export interface BuildEngine {
  readonly name: 'embedded' | 'docker';
  availability(): Promise<Availability>;
  /** Builds a plan's image into the store and names it there. @throws ERR_DOCKERFILE_UNSUPPORTED and the other codes of building */
  build(plan: BuildPlan, io: { readonly progress: Progress; readonly signal: AbortSignal }): Promise<Built>;
}

/** A processor's answer, read to its end. */
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
  /** Ends the request at once; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** An address to connect to from the network of a processor. */
export interface NetworkTarget {
  readonly host: string;
  readonly port: number;
}

/** A processor's network as it is seen from inside. */
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
  /** The isolation that the runtime set up. `network` is always `open` here, because only a probe can prove that it is blocked. */
  readonly isolation: Isolation;
  readonly healthyAfterMs: number;
  /** The folder on this machine that the processor sees as its artifacts root. */
  readonly artifacts: string;
  /** The path of the same folder as the processor sees it. */
  readonly artifactsRoot: string;
  /** The port on which the processor listens in its own network. */
  readonly port: number;
  request(request: ProcessorRequest): Promise<ProcessorResponse>;
  /** The unix socket on which connections are carried to it, for whoever forwards them whole. */
  readonly socket: string;
  /** Looks at the network from inside, and tries to connect to each target. */
  observeNetwork(targets: readonly NetworkTarget[]): Promise<NetworkView>;
  /** Freezes the processor until it is resumed. Requests that are sent meanwhile reach it at the same moment. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** All that was written to stdout and stderr so far, in the order in which it came. Of more than a few MiB the oldest part is dropped. */
  logs(): string;
  /** All that was written to stderr so far, from its first whole line that is kept. */
  stderr(): string;
  /** How many bytes it wrote to stdout and stderr that are not kept any more. */
  unkeptLogBytes(): number;
  /** Why the processor ended by itself, such as a memory limit that it went over; null while it runs, and if it was stopped. */
  ended(): string | null;
  /** Sends SIGTERM, and SIGKILL after the grace period; then removes all that was made for the run. */
  stop(graceMs?: number): Promise<{ readonly exitCode: number | null }>;
}

/** The part of an image's config that tells how to run it (OCI image specification, config.md). */
export interface ImageRunConfig {
  readonly Env?: readonly string[] | null | undefined;
  readonly Entrypoint?: readonly string[] | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly WorkingDir?: string | null | undefined;
  readonly User?: string | null | undefined;
}

/** An image of one platform, as an unpacked folder or as an archive; each is made only when a runtime asks for it. */
export interface RunnableImage {
  /** The processor's slug, from which a runtime makes the names of containers and folders. */
  readonly name: string;
  readonly platform: Platform;
  /** The platform manifest's digest. */
  readonly digest: Digest;
  /** The digest of its config, which names the content of every layer: two images with the same config unpack to the same files. */
  readonly configDigest: Digest;
  readonly config: ImageRunConfig;
  /** The folder into which it is unpacked; nothing writes to that folder afterwards. */
  rootfs(): Promise<string>;
  /** A tar for `docker load`, which tags the image as `name`. */
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
  /** A runtime may be unable to enforce some of them; `RunningProcessor.isolation` says which it did. */
  readonly limits: RunLimits;
  /** Variables besides the image's own Env. Nothing of this machine's environment is added. */
  readonly env: Readonly<Record<string, string>>;
  /** `build.port` of the spec. A runtime that shares the machine's network may choose another; the processor is told by PORT. */
  readonly port: number;
  /** A folder on this machine for the processor's files; ARTIFACTS_ROOT tells the processor its path. */
  readonly artifacts: string;
  /** `healthy`: until /healthz answers 200. `answering`: until it answers anything, for a processor that is started wrongly on purpose. */
  readonly until: 'healthy' | 'answering';
  readonly startTimeoutMs: number;
  /**
   * Takes what the processor writes, as it comes, for one that runs without end: then it may write as much as it likes, and the end of it alone is kept here.
   */
  readonly onOutput?: (chunk: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

/** A runtime: it runs images on this machine. */
export interface Runtime {
  readonly name: RuntimeName;
  /** @throws ERR_CANCELLED */
  availability(signal?: AbortSignal): Promise<Availability>;
  /** The path under which a processor sees the folder that it gets for its files. */
  artifactsRootOf(artifacts: string): string;
  /**
   * @throws ERR_START_FAILED with the end of the log, ERR_PLATFORM_UNRUNNABLE if nothing here runs programs of its architecture, ERR_IMAGE_ROOT
   * from a runtime that runs nothing as root, ERR_RUNTIME_UNAVAILABLE, ERR_CANCELLED
   */
  start(options: StartOptions): Promise<RunningProcessor>;
}
