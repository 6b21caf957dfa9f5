import { setTimeout as sleepFor } from 'node:timers/promises';
import { RegistryUnavailable } from './failure.ts';

/** How often and how patiently a request that failed for now is tried again. */
export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  /** The first pause is about this long, each further one twice as long, in ms. */
  readonly firstPauseMs: number;
  /** No pause is longer; a registry that asks for a longer one is given up. In ms. */
  readonly longestPauseMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** In [0, 1). */
  readonly random: () => number;
}

export const RETRY_POLICY: RetryPolicy = { attempts: 5, firstPauseMs: 200, longestPauseMs: 30_000, sleep: (ms) => sleepFor(ms), random: Math.random };

/** How long to wait before the next attempt, in ms; undefined: give up. `attempt` counts those made, from 1. */
export const pauseAfter = (error: unknown, attempt: number, policy: RetryPolicy): number | undefined => {
  if (!(error instanceof RegistryUnavailable) || !error.worthRetrying || attempt >= policy.attempts) return undefined;
  // Jitter over the upper half, so that clients that failed together do not come back together.
  const pause = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
  const own = pause * (0.5 + policy.random() / 2);
  const { retryAfterMs = 0 } = error;
  return retryAfterMs <= policy.longestPauseMs ? Math.max(own, retryAfterMs) : undefined;
};

/** Runs `work` until it succeeds, fails for good, or the policy gives up. @throws the last error */
export const withRetry = async <T>(policy: RetryPolicy, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = pauseAfter(error, attempt, policy);
      if (pause === undefined) throw error;
      await policy.sleep(pause);
    }
  }
};
