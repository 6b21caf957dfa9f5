import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';

/** The options of `store-gc`. */
export const options = {
  dryRun: z.boolean().optional().describe('Remove nothing; tell what would be removed.'),
  graceMinutes: z.number().min(0).default(60).describe('What was written or used within this many minutes stays: someone may be about to name it.'),
};

export type StoreGcOptions = OptionsOf<typeof options>;
