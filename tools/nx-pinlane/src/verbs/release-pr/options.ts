import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { reaching } from '../../images/options.ts';
import { branchName, remoteName } from '../../workspace/git-names.ts';

/** The options of `release-pr`. */
export const options = {
  staging: branchName.default('staging').describe('The branch that is promoted; its tip is what has to be checked out.'),
  main: branchName.default('main').describe('The branch that it is promoted to.'),
  remote: remoteName.default('origin').describe('The name that the clone has for the remote.'),
  platforms: z
    .string()
    .optional()
    .describe('The platforms whose evidence is asked for, with commas between; every one that is pinned where absent. linux/amd64 is what Modal runs.'),
  concurrency: z.int().min(1).max(64).default(4).describe('How many processors are looked at at once.'),
  dryRun: z.boolean().optional().describe('Open nothing; print title and body.'),
  ...reaching,
};

export type ReleasePrOptions = OptionsOf<typeof options>;
