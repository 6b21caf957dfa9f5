import { PROCESSOR_ERROR_STATUS, type ProcessorErrorCode } from '@pinlane/contracts/processor';

/** The one error a processor throws on purpose; its code and message reach the caller, redacted. */
export class ProcessorError extends Error {
  readonly code: ProcessorErrorCode;
  /** The HTTP status; another than the code's own only where the contract has a second one (413, 415). */
  readonly status: number;

  constructor(code: ProcessorErrorCode, message: string, options: { readonly cause?: unknown; readonly status?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProcessorError';
    this.code = code;
    this.status = options.status ?? PROCESSOR_ERROR_STATUS[code];
  }
}

/** Turns whatever was thrown into an answer; what nobody foresaw is ERR_RUNTIME. */
export const toProcessorError = (thrown: unknown): ProcessorError => {
  if (thrown instanceof ProcessorError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ProcessorError('ERR_RUNTIME', `the processor failed: ${message.slice(0, 2000)}`, { cause: thrown });
};

/** ERR_INPUTS: the caller can mend it. */
export const inputsError = (message: string, status?: number): ProcessorError =>
  new ProcessorError('ERR_INPUTS', message, status === undefined ? {} : { status });
