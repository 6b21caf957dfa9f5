import { isPinlaneError, type Check, type Isolation, type RuntimeName } from '@pinlane/contracts';
import { RULES } from './rules/index.ts';

/** What was found out about an image. */
export interface Findings {
  readonly isolation: Isolation;
  readonly healthyAfterMs: number | null;
  readonly checks: readonly Check[];
  /** What the processor wrote to its log. */
  readonly logs: string;
}

const NOTHING: Omit<Isolation, 'runtime'> = { network: 'open', filesystem: 'open', user: 'same', processes: 'shared' };

/** The findings if one rule is broken in a way that no other can be checked. */
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
 * The findings if the processor could not be started, and the image is to blame: it is to run as root and the runtime runs nothing as root, or
 * it did not become healthy. Isolation is reported as none, because none was measured. Any other error is no finding, and is thrown on.
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
