import type { Digest, Isolation, ProcessorSpec, RunningProcessor, SpecProjection } from '@pinlane/contracts';
import type { EgressProbe } from '@pinlane/adapters';

/** A way to start the image under test; what is not said is as in ordinary use. */
export interface Variant {
  /** A stable name, for messages and folders. */
  readonly name: string;
  /** Whether it is told its digest. */
  readonly digest: boolean;
  readonly secrets: Readonly<Record<string, string>>;
  /** What it is given in place of the registry.yaml in the image; null: nothing. */
  readonly spec: SpecProjection | null;
  readonly until: 'healthy' | 'answering';
}

/** The ordinary way: told its digest, without any secret. */
export const ORDINARY: Variant = { name: 'ordinary', digest: true, secrets: {}, spec: null, until: 'healthy' };

/** What is put to the test. */
export interface Subject {
  readonly spec: ProcessorSpec;
  /** The platform manifest's digest, which the processor must report. */
  readonly digest: Digest;
  /** The user as which the image says it runs, by number. */
  readonly uid: number;
  /** PINLANE_ENV, as every variant is told. */
  readonly environment: string;
  readonly isolation: Isolation;
  readonly egress: EgressProbe;
  /** Whether less than a blocked network and a read-only root is a failure here, rather than something to say. */
  readonly isolationRequired: boolean;
  /** The largest body that must be taken, in bytes; the contract's MAX_BODY_BYTES. */
  readonly maxBodyBytes: number;
  /** `inputs.params` with which a mock run succeeds. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Started the ordinary way; it is left running. */
  readonly running: RunningProcessor;
  /** Starts the same image once more, with an empty artifacts root of its own. Whoever calls stops it. */
  start(variant: Variant): Promise<RunningProcessor>;
}
