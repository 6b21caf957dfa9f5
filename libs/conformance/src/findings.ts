import { isPinlaneError, type Check, type Isolation, type RuntimeName } from '@pinlane/contracts';
import { RULES } from './rules/index.ts';

/** What putting an image to the test brought to light. */
export interface Findings {
  readonly isolation: Isolation;
  readonly healthyAfterMs: number | null;
  readonly checks: readonly Check[];
  /** What the processor wrote. */
  readonly logs: string;
}

const NOTHING: Omit<Isolation, 'runtime'> = { network: 'open', filesystem: 'open', user: 'same', processes: 'shared' };

/** One rule is broken and kept every other from being looked at. */
const brokenAtOnce = (runtime: RuntimeName, rule: string, message: string, logs: string): Findings => ({
  isolation: { runtime, ...NOTHING },
  healthyAfterMs: null,
  checks: RULES.map(({ name, title }) =>
    name === rule
      ? { rule: name, title, outcome: 'failed', message, durationMs: 0 }
      : { rule: name, title, outcome: 'skipped', message: `not checked, because ${rule} did not pass`, durationMs: 0 },
  ),
  logs,
});

/**
 * The findings where an image could not be looked at because of what it is: a runtime that runs nothing as root refused it, or it did not
 * become healthy. Nothing ran to the end, so nothing is said of isolation. Any other error is no finding and is thrown on.
 */
export const brokenFindings = (runtime: RuntimeName, error: unknown): Findings => {
  if (isPinlaneError(error, 'ERR_IMAGE_ROOT'))
    return brokenAtOnce(runtime, 'image.user', `its config names root, or no user, and the runtime ${runtime} runs nothing as root`, '');
  if (isPinlaneError(error, 'ERR_START_FAILED')) {
    const message = error.problems.map((problem) => problem.message).join('\n');
    return brokenAtOnce(runtime, 'healthz.ok', message, `${message}\n`);
  }
  throw error;
};
