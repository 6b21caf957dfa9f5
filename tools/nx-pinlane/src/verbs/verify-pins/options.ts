import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { lane, reaching } from '../../images/options.ts';

/** The options of `verify-pins`. */
export const options = {
  concurrency: z.int().min(1).max(64).default(8).describe('How many processors are looked at at once.'),
  ...reaching,
  ...lane,
};

export type VerifyPinsOptions = OptionsOf<typeof options>;
