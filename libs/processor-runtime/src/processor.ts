import type { Log } from './log.ts';
import type { Output } from './envelope.ts';

/** What an output may consist of. A stream is written while it is read, so that memory does not grow with its size. */
export type OutputData = string | Uint8Array | AsyncIterable<string | Uint8Array> | Iterable<Uint8Array>;

/** A plain object that becomes JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What every run is given. */
export interface RunContext<P> {
  /** `inputs.params`, checked against the schema in registry.yaml and with its defaults filled in. */
  readonly params: P;
  readonly mode: 'mock' | 'real';
  readonly executionId: string;
  /** The inputs hash, 64 hexadecimal digits. The order of keys in the inputs does not change it. */
  readonly inputsHash: string;
  /** Whether the caller listens to progress (POST /run-stream). */
  readonly streaming: boolean;
  /** Aborts at the time limit, and if the caller goes away. Hand it to everything that waits. */
  readonly signal: AbortSignal;
  /** The time limit of the run, in milliseconds. */
  readonly timeoutMs: number;
  /** Writes to the processor's log, with the values of secrets redacted. */
  readonly log: Log;
  /**
   * Writes one file of the result. `path` is relative to `<prefix>/outputs/`; the media type is the one that registry.yaml declares for the
   * path, unless one is given.
   * @throws ERR_OUTPUT_DUPLICATE if the run wrote this path already
   */
  output(path: string, data: OutputData, options?: { readonly mime?: string }): Promise<Output>;
  /** Tells a streaming caller how far the run is. Resolves when the caller is ready for more, and never rejects. */
  progress(event: JsonObject): Promise<void>;
}

/** What a real run is given in addition: the secrets that registry.yaml declares. */
export interface RealContext<P> extends RunContext<P> {
  /** The value of a secret. A required one is always set. @throws ERR_MISSING_SECRET for an optional one that is unset */
  secret(name: string): string;
  /** The value of a secret; undefined if it is unset. */
  optionalSecret(name: string): string | undefined;
}

/** What a run may return: facts for the `meta` of the envelope, such as the tokens it used. The receipt does not hold them. */
export type RunResult = JsonObject | undefined | void;

/** A processor: the handlers of its two modes. */
export interface Processor<P> {
  /** Gives the same outputs for the same params, without secrets and without network. */
  mock(context: RunContext<P>): Promise<RunResult> | RunResult;
  /** Does the real work. */
  real(context: RealContext<P>): Promise<RunResult> | RunResult;
}

/** Declares a processor; `P` is the shape of `inputs.params` that the schema in registry.yaml guarantees. */
export const defineProcessor = <P>(processor: Processor<P>): Processor<P> => processor;
