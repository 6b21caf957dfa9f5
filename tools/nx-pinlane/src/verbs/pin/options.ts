import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { builtAs } from '../../images/build-request.ts';
import { bundledFirst } from '../../images/bundle-options.ts';
import { building, lane, rebuilding, uncached } from '../../images/options.ts';

/** The options of `pin`. */
export const options = {
  ...building,
  digest: z
    .string()
    .optional()
    .describe('Pin this image instead of the one that was built, for example to roll back: repository@sha256:…, an index or one platform.'),
  check: z.boolean().optional().describe('Write nothing; tell whether source and pins have parted (ERR_PIN_STALE).'),
  reproduce: z
    .boolean()
    .optional()
    .describe(
      'Write nothing; build from nothing, with the embedded engine, and compare digests with the pins: ERR_PIN_NOT_REPRODUCED, and file by file what differs. In any lane. With --noCache the base is assembled from its lock, too.',
    ),
  dryRun: z.boolean().optional().describe('Write nothing; print the edit.'),
  ...rebuilding,
  ...uncached('Build even where the source was built before, and make every layer anew.'),
  ...lane,
};

/** What the plugin sets for itself. */
export const internalOptions = {
  ...bundledFirst,
  ...builtAs,
  onlyBuilds: z.boolean().optional().describe('Build the image and write no pin: set by the plugin in the target `base-for-pins`, which runs `buildx`.'),
};

export type PinOptions = OptionsOf<typeof options & typeof internalOptions>;
