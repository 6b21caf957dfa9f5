import { setTimeout as sleepFor } from 'node:timers/promises';
import { PinlaneError } from '@pinlane/contracts';
import { RegistryUnavailable } from './failure.ts';

/** How often, and after which pauses, a request is tried again whose failure passes. */
export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  /** Attempts in all on a registry that accepts a request and says nothing, each of which takes as long as it is waited for. */
  readonly silentAttempts: number;
  /** The first pause, in ms, before jitter; each further one is twice as long. */
  readonly firstPauseMs: number;
  /** The longest pause, in ms, unless the registry asks for a longer one. */
  readonly longestPauseMs: number;
  /** If the registry asks for a longer pause, in ms, the request is given up. */
  readonly longestAskedMs: number;
  /** So long is a registry waited for in sum, in ms, with one request: it may ask for a pause again after each. */
  readonly longestWaitMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** A random number in [0, 1). */
  readonly random: () => number;
}

export const RETRY_POLICY: RetryPolicy = {
  // About ten seconds in all, the time that a registry takes to restart, or a proxy to find it again.
  attempts: 7,
  // Two minutes in all.
  silentAttempts: 2,
  firstPauseMs: 200,
  longestPauseMs: 30_000,
  // GitHub asks for a minute when its secondary rate limit is reached.
  longestAskedMs: 120_000,
  // Three times that minute, with jitter.
  longestWaitMs: 190_000,
  sleep: (ms) => sleepFor(ms),
  random: Math.random,
};

/** The same policy, whose pauses end with ERR_CANCELLED when the signal comes. */
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

/** How long to wait before the next attempt, in ms; undefined if there should be none. `attempt` is the number of attempts made. */
export const pauseAfter = (error: unknown, attempt: number, policy: RetryPolicy): number | undefined => {
  if (!(error instanceof RegistryUnavailable) || !error.worthRetrying) return undefined;
  if (attempt >= (error.silent ? Math.min(policy.attempts, policy.silentAttempts) : policy.attempts)) return undefined;
  // A random part of the pause keeps clients that failed at the same time from coming back at the same time.
  const pause = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
  const own = pause * (0.5 + policy.random() / 2);
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > policy.longestAskedMs) return undefined;
  return Math.max(own, retryAfterMs + policy.random() * Math.min(retryAfterMs, policy.firstPauseMs));
};

const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;

/** The end of waiting for what a registry asked for. It does not pass for whoever tries again around this. */
const givenUp = (failure: RegistryUnavailable, askedMs: number, why: string): RegistryUnavailable =>
  new RegistryUnavailable(`${failure.problems[0]?.message}; the registry asked to wait ${seconds(askedMs)}, and ${why}`, {
    worthRetrying: false,
    fix: 'Try again when that time is over. If it happens again, log in to the registry if you are not, which often allows more requests, or run fewer at once.',
    cause: failure,
  });

/** How long one piece of work still waits for its registry. */
export interface Patience {
  /**
   * Waits before the next attempt. @param counted what the failure counts as, if not as itself
   * @throws `failure` if there should be none, ERR_REGISTRY_UNAVAILABLE if the registry asked for too much
   */
  afterFailure(failure: unknown, counted?: unknown): Promise<void>;
  /** Waits for what is left, in ms, of a pause that the registry asked another request for. @throws ERR_REGISTRY_UNAVAILABLE if that is too much */
  whileAsked(leftMs: number, failure: RegistryUnavailable): Promise<void>;
  /** It went on: what failed before, and how long it was waited for, counts no more. */
  goesOn(): void;
}

/** Patience for one piece of work, as much as a policy has. */
export const createPatience = (policy: RetryPolicy): Patience => {
  let [attempts, waitedMs] = [0, 0];
  const wait = async (ms: number, failure: RegistryUnavailable): Promise<void> => {
    if (waitedMs + ms > policy.longestWaitMs)
      throw givenUp(failure, failure.retryAfterMs ?? ms, `it was waited for ${seconds(waitedMs)} already, of ${seconds(policy.longestWaitMs)} at most`);
    waitedMs += ms;
    await policy.sleep(ms);
  };
  const requireBearable = (ms: number | undefined, failure: RegistryUnavailable): void => {
    if (ms !== undefined && ms > policy.longestAskedMs) throw givenUp(failure, ms, `${seconds(policy.longestAskedMs)} at a time are waited at most`);
  };
  return {
    async afterFailure(failure, counted = failure) {
      const pause = pauseAfter(counted, ++attempts, policy);
      if (counted instanceof RegistryUnavailable && counted.worthRetrying) requireBearable(counted.retryAfterMs, counted);
      if (pause === undefined) throw failure;
      await wait(pause, counted as RegistryUnavailable);
    },
    async whileAsked(leftMs, failure) {
      requireBearable(leftMs, failure);
      await wait(leftMs, failure);
    },
    goesOn: () => void ([attempts, waitedMs] = [0, 0]),
  };
};

/**
 * Runs `work` until it succeeds, fails for good, or the policy gives up. `passing` may turn an error into one that counts as passing.
 * @throws the last error
 */
export const withRetry = async <T>(
  policy: RetryPolicy,
  work: (patience: Patience) => Promise<T>,
  passing: (error: unknown) => unknown = (error) => error,
): Promise<T> => {
  const patience = createPatience(policy);
  for (;;) {
    try {
      return await work(patience);
    } catch (error) {
      await patience.afterFailure(error, passing(error) ?? null);
    }
  }
};
