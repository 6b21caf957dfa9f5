import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { building, lane, rebuilding, uncached } from '../../images/options.ts';

/** The options of `base-pin`: those of `pin`, because one run has both; the engine and platforms are nothing to a base. */
export const options = {
  ...building,
  check: z.boolean().optional().describe('Write nothing; tell whether base.yaml names the base of its lock, and that base is there (ERR_PIN_STALE).'),
  reproduce: z.boolean().optional().describe('Write nothing: a base is held to its lock whenever it is assembled.'),
  dryRun: z.boolean().optional().describe('Write and push nothing; print the edit.'),
  ...rebuilding,
  ...uncached('Without effect on a base: its lock says what it is.'),
  ...lane,
};

export type BasePinOptions = OptionsOf<typeof options>;
