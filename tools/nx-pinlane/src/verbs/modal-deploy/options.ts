import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { deploying } from '../../deploy/options.ts';

/** The options of `modal-deploy`. */
export const options = {
  dryRun: z.boolean().optional().describe('Check everything and print the plan; change nothing.'),
  evidence: z
    .boolean()
    .optional()
    .describe('Ask for a passing acceptance report on the pinned image; every lane but local does. --no-evidence asks for none, in lane local alone.'),
  autoRollback: z.boolean().optional().describe('If the new image does not serve in time, deploy the one that ran before.'),
  stop: z.boolean().optional().describe('End the app, and deploy nothing.'),
  servingTimeout: z
    .number()
    .min(1)
    .max(3600)
    .default(120)
    .describe('How long is waited until the new digest serves, in seconds: for cold starts, and for versions before it.'),
  ...deploying,
};

export type ModalDeployOptions = OptionsOf<typeof options>;
