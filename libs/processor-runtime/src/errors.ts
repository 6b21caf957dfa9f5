import { PROCESSOR_ERROR_STATUS, type ProcessorErrorCode } from '@pinlane/contracts/processor';

/** The error that a processor throws on purpose. Its code and its message, redacted, reach the caller. */
export class ProcessorError extends Error {
  readonly code: ProcessorErrorCode;
  /** The HTTP status: that of the code, unless an ERR_INPUTS has a more exact one (404, 413, 415). */
  readonly status: number;

  constructor(code: ProcessorErrorCode, message: string, options: { readonly cause?: unknown; readonly status?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProcessorError';
    this.code = code;
    this.status = options.status ?? PROCESSOR_ERROR_STATUS[code];
  }
}

/** Turns whatever was thrown into an error for the caller; any but a {@link ProcessorError} becomes ERR_RUNTIME. */
export const toProcessorError = (thrown: unknown): ProcessorError => {
  if (thrown instanceof ProcessorError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ProcessorError('ERR_RUNTIME', `the processor failed: ${message.slice(0, 2000)}`, { cause: thrown });
};

/** An ERR_INPUTS, for what the caller can mend. */
export const inputsError = (message: string, status?: number): ProcessorError =>
  new ProcessorError('ERR_INPUTS', message, status === undefined ? {} : { status });
