import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcessor } from '@pinlane/contracts';

// A connection breaks a moment before it is known that the processor has ended, and why.
const STEP_MS = 25;
const STEPS = 20;

const endOf = async ({ ended }: RunningProcessor): Promise<string | null> => {
  for (let step = 0; step < STEPS && ended() === null; step += 1) await sleep(STEP_MS);
  return ended();
};

/** The same processor, whose broken requests say that it has ended and why, such as a memory limit that it went over. */
export const explained = (running: RunningProcessor): RunningProcessor => ({
  ...running,
  request: (request) =>
    running.request(request).catch(async (error: unknown) => {
      const why = await endOf(running);
      throw why === null ? error : new Error(`${(error as Error).message}: the processor ${why}`, { cause: error });
    }),
});
