import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { lane, reaching } from '../../images/options.ts';
import { branchName, remoteName } from '../../workspace/git-names.ts';

/** The options of `commit-pins`. */
export const options = {
  branch: branchName.optional().describe('The branch of the remote that takes the commit; the name of the lane where absent.'),
  remote: remoteName.default('origin').describe('The name that the clone has for the remote.'),
  via: z
    .enum(['git', 'api'])
    .default('git')
    .describe('How the commit gets to the branch: git pushes it; api has GitHub make and sign it, for branches that demand signatures. api needs a token.'),
  dryRun: z.boolean().optional().describe('Push nothing; tell what would be committed.'),
  ...reaching,
  ...lane,
};

export type CommitPinsOptions = OptionsOf<typeof options>;
