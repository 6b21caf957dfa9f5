import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, isPinlaneError, type Progress } from '@pinlane/contracts';
import { withLock } from '../../files/lock.ts';

/** Bounds how many processes of one machine push to a registry at once. */
export interface Slots {
  /** The same folder for all of these processes. */
  readonly folder: string;
  /** How many pushes to one registry run at once; 4 if absent. */
  readonly count?: number;
  /** How long to wait for a slot, in ms; 10 minutes if absent. The push then goes on without one, because slots only spare the registry. */
  readonly patienceMs?: number;
}

export interface SlotUse {
  readonly slots: Slots | undefined;
  /** The registry's host. */
  readonly host: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

const PAUSE_MS = 50;

/** Runs `work` under one lock; undefined if another process has the lock. */
const tryLock = async <T>(folder: string, temporary: string, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> => {
  let begun = false;
  try {
    return await withLock({ folder, temporary, patienceMs: 0, what: 'a slot for pushes' }, async () => {
      begun = true;
      return { value: await work() };
    });
  } catch (error) {
    // An error of the work is not about this lock.
    if (begun || !isPinlaneError(error, 'ERR_LOCKED')) throw error;
    return undefined;
  }
};

/**
 * Runs `work` while this process has a slot for a registry, or at once if there are no slots. A killed process leaves its slot to the next one.
 * @throws ERR_CANCELLED while it waits, and what `work` throws
 */
export const withSlot = async <T>({ slots, host, progress, signal }: SlotUse, work: () => Promise<T>): Promise<T> => {
  if (slots === undefined) return work();
  const { folder, count = 4, patienceMs = 600_000 } = slots;
  const giveUp = performance.now() + patienceMs;
  for (let round = 0; ; round++) {
    for (let slot = 0; slot < count; slot++) {
      const done = await tryLock(join(folder, encodeURIComponent(host), String(slot)), join(folder, 'tmp'), work);
      if (done) return done.value;
    }
    if (signal?.aborted) return fail('ERR_CANCELLED', `the wait to push to ${host} was interrupted`);
    if (performance.now() > giveUp) return work();
    if (round === 0) progress(`waiting: ${count} other pushes to ${host} are under way`);
    await sleep(PAUSE_MS * (0.5 + Math.random()));
  }
};
