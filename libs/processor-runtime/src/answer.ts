import type { ErrorEnvelope } from './envelope.ts';
import { ProcessorError } from './errors.ts';
import type { Redactor } from './redact.ts';

/** What every error envelope of a processor says of the processor. */
export interface Identity {
  readonly ref: string;
  /** Null where the processor was started without one. */
  readonly imageDigest: string | null;
}

/** The envelope of an error; no value of a secret is in it. */
export const errorEnvelope = (error: ProcessorError, executionId: string | null, { ref, imageDigest }: Identity, redactor: Redactor): ErrorEnvelope => ({
  status: 'error',
  execution_id: executionId,
  error: { code: error.code, message: redactor.text(error.message) },
  meta: { ref, ...(imageDigest === null ? {} : { image_digest: imageDigest }) },
});

/** Headers that an error has besides. */
export const errorHeaders = (error: ProcessorError): Record<string, string> => (error.code === 'ERR_BUSY' ? { 'retry-after': '1' } : {});
