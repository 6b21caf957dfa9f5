import { setTimeout as sleepFor } from 'node:timers/promises';
import { PinlaneError } from '@pinlane/contracts';
import { RegistryUnavailable } from './failure.ts';

/** How often and how patiently a request that failed temporarily is tried again. */
export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  /** The first pause is about this long, each further one twice as long, in ms. */
  readonly firstPauseMs: number;
  /** No pause of our own is longer, in ms. */
  readonly longestPauseMs: number;
  /** A registry that asks for a longer one is given up, in ms. */
  readonly longestAskedMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** In [0, 1). */
  readonly random: () => number;
}

export const RETRY_POLICY: RetryPolicy = {
  // About ten seconds in all: as long as a registry takes that is started anew, or a proxy that has lost it.
  attempts: 7,
  firstPauseMs: 200,
  longestPauseMs: 30_000,
  // GitHub asks for a minute where its secondary rate limit is reached.
  longestAskedMs: 120_000,
  sleep: (ms) => sleepFor(ms),
  random: Math.random,
};

/** The same policy, whose pauses end with ERR_CANCELLED when the work is called off. */
export const untilAborted = (policy: RetryPolicy, signal: AbortSignal | undefined): RetryPolicy => {
  if (!signal) return policy;
  const cancelled = () => new PinlaneError({ code: 'ERR_CANCELLED', message: 'the wait for a registry was interrupted' });
  const sleep = async (ms: number): Promise<void> => {
    if (signal.aborted) throw cancelled();
    let stop = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(cancelled());
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      await Promise.race([policy.sleep(ms), aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  return { ...policy, sleep };
};

/** How long to wait before the next attempt, in ms; undefined: give up. `attempt` counts those made, from 1. */
export const pauseAfter = (error: unknown, attempt: number, policy: RetryPolicy): number | undefined => {
  if (!(error instanceof RegistryUnavailable) || !error.worthRetrying || attempt >= policy.attempts) return undefined;
  // Jitter over the upper half, so that clients that failed together do not come back together.
  const pause = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
  const own = pause * (0.5 + policy.random() / 2);
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > policy.longestAskedMs) return undefined;
  return Math.max(own, retryAfterMs + policy.random() * Math.min(retryAfterMs, policy.firstPauseMs));
};

/**
 * Runs `work` until it succeeds, fails for good, or the policy gives up. `passing` says how an error counts, where that is not what it is itself.
 * @throws the last error
 */
export const withRetry = async <T>(policy: RetryPolicy, work: () => Promise<T>, passing: (error: unknown) => unknown = (error) => error): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = pauseAfter(passing(error), attempt, policy);
      if (pause === undefined) throw error;
      await policy.sleep(pause);
    }
  }
};
