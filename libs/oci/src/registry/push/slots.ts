import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, isPinlaneError, type Progress } from '@pinlane/contracts';
import { withLock } from '../../store/lock.ts';

/** Where the processes of one machine agree how many of them push to a registry at once. */
export interface Slots {
  /** The same one for all of them. */
  readonly folder: string;
  /** How many pushes to one registry run at once; 4 unless told. */
  readonly count?: number;
  /** How long to wait for one, in ms; 10 minutes unless told. Then the push goes on without: it is courtesy that is out, not correctness. */
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

/** Runs `work` under one lock; undefined where another process has it. */
const tryLock = async <T>(folder: string, temporary: string, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> => {
  let begun = false;
  try {
    return await withLock({ folder, temporary, patienceMs: 0 }, async () => {
      begun = true;
      return { value: await work() };
    });
  } catch (error) {
    // What the work itself throws is not about this lock.
    if (begun || !isPinlaneError(error, 'ERR_STORE_LOCKED')) throw error;
    return undefined;
  }
};

/**
 * Runs `work` while it has one of the slots for a registry; without slots, at once. A process that is killed leaves its slot to the next one.
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
