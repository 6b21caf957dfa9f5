import { setTimeout as sleep } from 'node:timers/promises';
import { cutOff, fail, plainText, type ProcessorRequest, type ProcessorResponse, type StartOptions } from '@pinlane/contracts';

/** A start that is under way. */
export interface Starting {
  /** performance.now() when it began, in ms. */
  readonly startedAt: number;
  request(request: ProcessorRequest): Promise<ProcessorResponse>;
  /** Settles when the processor has ended. */
  readonly exited: Promise<unknown>;
  running(): boolean;
  /** Ends everything; called before an error is thrown. */
  end(): Promise<void>;
  /** Why it ended, once it has: `ended with exit code 3`. */
  why(): Promise<string>;
  logs(): string;
}

const LOG_TAIL_LINES = 30;
const LINE_AT_MOST = 300;

const tailOf = (log: string): string => {
  const tail = log.trimEnd().split('\n').slice(-LOG_TAIL_LINES);
  const lines = plainText(tail.map((line) => cutOff(line, LINE_AT_MOST)).join('\n'));
  return lines === '' ? 'It wrote nothing.' : `Its log ends:\n${lines}`;
};

/** Short at first, so that a quick start is noticed at once; then longer, so that asking does not slow a start down. */
const pauseBefore = (elapsedMs: number): number => (elapsedMs < 1000 ? 8 : elapsedMs < 5000 ? 25 : 200);

type Waiting = Pick<StartOptions, 'until' | 'startTimeoutMs'> & { readonly signal?: AbortSignal };

/**
 * Waits until a processor answers /healthz, and says how long that took, in ms. An end of the processor is noticed at once.
 * @throws ERR_START_FAILED with the end of the log, ERR_CANCELLED
 */
export const awaitAnswer = async (starting: Starting, { until, startTimeoutMs, signal }: Waiting): Promise<number> => {
  const answered = async (): Promise<boolean> => {
    const response = await starting.request({ method: 'GET', path: '/healthz', timeoutMs: 2000, ...(signal ? { signal } : {}) }).catch(() => null);
    return response !== null && (until === 'answering' || response.status === 200);
  };
  for (;;) {
    const elapsed = performance.now() - starting.startedAt;
    const gaveUp = signal?.aborted ? 'aborted' : !starting.running() ? 'exited' : elapsed > startTimeoutMs ? 'late' : null;
    if (gaveUp !== null) {
      const why = gaveUp === 'exited' ? `${await starting.why()} before it answered` : `did not answer /healthz within ${startTimeoutMs} ms`;
      await starting.end();
      if (gaveUp === 'aborted') return fail('ERR_CANCELLED', 'the start of the processor was interrupted');
      return fail('ERR_START_FAILED', `the processor ${why}. ${tailOf(starting.logs())}`, { fix: 'Read the end of its log above.' });
    }
    if (await answered()) return Math.round(performance.now() - starting.startedAt);
    await Promise.race([sleep(pauseBefore(elapsed)), starting.exited]);
  }
};
