import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { bundledFirst } from '../../images/bundle-options.ts';
import { building, lane } from '../../images/options.ts';

/** The options of `pin`. */
export const options = {
  ...building,
  digest: z
    .string()
    .optional()
    .describe('Pin this image instead of the one that was built, for example to roll back: repository@sha256:…, an index or one platform.'),
  check: z.boolean().optional().describe('Write nothing; tell whether source and pins have parted (ERR_PIN_STALE).'),
  dryRun: z.boolean().optional().describe('Write nothing; print the edit.'),
  ...lane,
};

/** What the plugin sets for itself. */
export const internalOptions = bundledFirst;

export type PinOptions = OptionsOf<typeof options & typeof internalOptions>;
