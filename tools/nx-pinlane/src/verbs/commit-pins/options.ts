import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { lane, reaching } from '../../images/options.ts';

const branchName = z
  .string()
  .max(200)
  .regex(/^(?!.*\.\.)(?!.*\/\/)[A-Za-z0-9][A-Za-z0-9._/-]*(?<![./])$/, 'expected the name of a branch');

/** The options of `commit-pins`. */
export const options = {
  branch: branchName.optional().describe('The branch of the remote that takes the commit; the name of the lane where absent.'),
  remote: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected the name of a remote')
    .default('origin')
    .describe('The name that the clone has for the remote.'),
  dryRun: z.boolean().optional().describe('Push nothing; tell what would be committed.'),
  ...reaching,
  ...lane,
};

export type CommitPinsOptions = OptionsOf<typeof options>;
