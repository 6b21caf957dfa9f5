import type { Log } from './log.ts';
import type { Output } from './envelope.ts';

/** What an output may be made of. A stream is written as it comes, so that memory does not grow with its size. */
export type OutputData = string | Uint8Array | AsyncIterable<string | Uint8Array> | Iterable<Uint8Array>;

/** A plain object that becomes JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What every run is given. */
export interface RunContext<P> {
  /** `inputs.params`, valid against the schema in registry.yaml, with the defaults of that schema filled in. */
  readonly params: P;
  readonly mode: 'mock' | 'real';
  readonly executionId: string;
  /** The inputs hash, 64 hexadecimal digits: equal for equal inputs however their keys are ordered. */
  readonly inputsHash: string;
  /** Whether the caller listens to progress (POST /run-stream). */
  readonly streaming: boolean;
  /** Aborts at the time limit and when the caller goes away; hand it to everything that waits. */
  readonly signal: AbortSignal;
  /** The time limit of the run, in milliseconds. */
  readonly timeoutMs: number;
  /** Writes to the processor's log; values of secrets are redacted. */
  readonly log: Log;
  /**
   * Writes one file of the result. `path` is relative to `<prefix>/outputs/`; the media type is the one that
   * registry.yaml declares for that path, unless given.
   * @throws ERR_OUTPUT_DUPLICATE where the run wrote this path already
   */
  output(path: string, data: OutputData, options?: { readonly mime?: string }): Promise<Output>;
  /** Tells a streaming caller how far the run is; resolves when the caller is ready for more, and never fails. */
  progress(event: JsonObject): Promise<void>;
}

/** What a real run is given besides: the secrets that registry.yaml declares. */
export interface RealContext<P> extends RunContext<P> {
  /** The value of a secret. Required ones are always there. @throws ERR_MISSING_SECRET for an optional one that is unset */
  secret(name: string): string;
  /** The value of a secret, or undefined where it is unset. */
  optionalSecret(name: string): string | undefined;
}

/** What a run may return: facts for the envelope's `meta`, such as the tokens used. They are not part of the receipt. */
export type RunResult = JsonObject | undefined | void;

/** A processor: what it does in each mode. */
export interface Processor<P> {
  /** Answers the same for the same params, without secrets and without network. */
  mock(context: RunContext<P>): Promise<RunResult> | RunResult;
  /** Does the work. */
  real(context: RealContext<P>): Promise<RunResult> | RunResult;
}

/** Declares a processor; `P` is the shape of `inputs.params` that the schema in registry.yaml guarantees. */
export const defineProcessor = <P>(processor: Processor<P>): Processor<P> => processor;
