import type { Digest, Isolation, ProcessorSpec, RunningProcessor, SpecProjection } from '@pinlane/contracts';
import type { EgressProbe } from '@pinlane/adapters';

/** A way to start the image under test. */
export interface Variant {
  /** A name that does not change, for messages and folders. */
  readonly name: string;
  /** Whether the processor is told its digest. */
  readonly digest: boolean;
  readonly secrets: Readonly<Record<string, string>>;
  /** A spec that the processor is given in place of the registry.yaml in its image; null if it is to read that one. */
  readonly spec: SpecProjection | null;
  readonly until: 'healthy' | 'answering';
}

/** The ordinary way: with its digest and without any secret. */
export const ORDINARY: Variant = { name: 'ordinary', digest: true, secrets: {}, spec: null, until: 'healthy' };

/** What the rules are checked on. */
export interface Subject {
  readonly spec: ProcessorSpec;
  /** The platform manifest's digest, which the processor must report. */
  readonly digest: Digest;
  /** The number of the user that the image runs as. */
  readonly uid: number;
  /** The PINLANE_ENV that every variant is given. */
  readonly environment: string;
  readonly isolation: Isolation;
  readonly egress: EgressProbe;
  /** Whether an open network or a writable root is a failure here; if not, the rules about them are skipped. */
  readonly isolationRequired: boolean;
  /** The largest body that the processor must take, in bytes. */
  readonly maxBodyBytes: number;
  /** What the ids of the executions that the suite asks for begin with. */
  readonly executions: string;
  /** `inputs.params` with which a mock run succeeds. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The processor, started the ordinary way. The suite leaves it running. */
  readonly running: RunningProcessor;
  /** Starts the image once more, with an empty artifacts root of its own; the caller stops it. */
  start(variant: Variant): Promise<RunningProcessor>;
}
