import type { ErrorEnvelope } from './envelope.ts';
import { ProcessorError } from './errors.ts';
import type { Redactor } from './redact.ts';

/** The members that every error envelope of a processor has in its meta. */
export interface Identity {
  readonly ref: string;
  /** Null if the processor was started without one. */
  readonly imageDigest: string | null;
}

/** The envelope of an error, with every value of a secret redacted. */
export const errorEnvelope = (error: ProcessorError, executionId: string | null, { ref, imageDigest }: Identity, redactor: Redactor): ErrorEnvelope => ({
  status: 'error',
  execution_id: executionId,
  error: { code: error.code, message: redactor.text(error.message) },
  meta: { ref, ...(imageDigest === null ? {} : { image_digest: imageDigest }) },
});

/** Headers that the answer to an error has besides its media type. */
export const errorHeaders = (error: ProcessorError): Record<string, string> => (error.code === 'ERR_BUSY' ? { 'retry-after': '1' } : {});
