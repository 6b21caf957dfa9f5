import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { lane, reaching } from '../../images/options.ts';

/** The history in which pin commits are looked for, unless told otherwise. */
export const STAGING_REF = 'refs/remotes/origin/staging';

/** The options of `promotion`. */
export const options = {
  staging: z
    .string()
    .regex(/^[^-\s]\S*$/)
    .default(STAGING_REF)
    .describe("The branch of staging, as this clone knows the remote's: its pin commits are the ones that count."),
  platforms: z
    .string()
    .optional()
    .describe('The platforms whose evidence is asked for, with commas between; every one that is pinned where absent. linux/amd64 is what Modal runs.'),
  concurrency: z.int().min(1).max(64).default(4).describe('How many processors are looked at at once.'),
  ...reaching,
  ...lane,
};

export type PromotionOptions = OptionsOf<typeof options>;
