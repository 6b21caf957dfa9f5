import type { Check, Isolation, RuntimeName } from '@pinlane/contracts';
import { RULES } from './rules/index.ts';

/** What putting an image to the test brought to light. */
export interface Findings {
  readonly isolation: Isolation;
  readonly healthyAfterMs: number;
  readonly checks: readonly Check[];
  /** What the processor wrote. */
  readonly logs: string;
}

const NOTHING: Omit<Isolation, 'runtime'> = { network: 'open', filesystem: 'open', user: 'same', processes: 'shared' };

/**
 * The findings where a runtime does not run an image, because it would be as root: that rule is broken, and no other was looked at. Nothing
 * ran, so nothing is said of isolation.
 */
export const refusedAsRoot = (runtime: RuntimeName): Findings => ({
  isolation: { runtime, ...NOTHING },
  healthyAfterMs: 0,
  checks: RULES.map(({ name, title }) =>
    name === 'image.user'
      ? { rule: name, title, outcome: 'failed', message: `its config names root, or no user, and the runtime ${runtime} runs nothing as root`, durationMs: 0 }
      : { rule: name, title, outcome: 'skipped', message: 'not checked, because image.user did not pass', durationMs: 0 },
  ),
  logs: '',
});
