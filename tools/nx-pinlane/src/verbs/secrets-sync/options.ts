import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { adapter } from '../../deploy/options.ts';
import { lane } from '../../images/options.ts';

/** The options of `secrets-sync`. */
export const options = {
  check: z.boolean().default(false).describe('Write nothing, and tell which keys are missing; exit code 2 if a required one is.'),
  adapter,
  ...lane,
};

export type SecretsSyncOptions = OptionsOf<typeof options>;
