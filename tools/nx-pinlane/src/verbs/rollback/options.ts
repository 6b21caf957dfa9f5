import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { deploying, proving } from '../../deploy/options.ts';

/** The options of `rollback`. */
export const options = {
  to: z
    .string()
    .min(1)
    .optional()
    .describe('The commit whose pins are deployed, as git understands it; where absent the newest one that pinned another image.'),
  pin: z.boolean().optional().describe('Write those pins into registry.yaml, too, where the lane writes pins.'),
  ...proving,
  ...deploying,
};

export type RollbackOptions = OptionsOf<typeof options>;
