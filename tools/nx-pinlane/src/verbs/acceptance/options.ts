import { RUNTIME_NAMES } from '@pinlane/contracts';
import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { builtAs } from '../../images/build-request.ts';
import { building, lane, reaching } from '../../images/options.ts';

/** The options of `acceptance`. */
export const options = {
  pinned: z.boolean().optional().describe('Test the pinned image and build nothing; set by -c pinned, and by the lanes that test what is pinned.'),
  runtime: z
    .enum(['auto', ...RUNTIME_NAMES])
    .optional()
    .describe('What runs the image: bubblewrap, unshare, docker, or host, which isolates nothing. PINLANE_RUNTIME where absent, else the best that is there.'),
  attach: z
    .boolean()
    .optional()
    .describe('Attach the report on a pinned image that passed to its manifest, as evidence for later lanes; what lane staging does by itself.'),
  evidence: z
    .boolean()
    .optional()
    .describe(
      'Tell what evidence earlier lanes attached to the pinned image; what lanes dev and main do by themselves. Lane main tests nothing that staging has not accepted (ERR_EVIDENCE_MISSING).',
    ),
  platform: z.string().optional().describe("The platform to test; the machine's own where absent."),
  engine: building.engine,
  registry: building.registry,
  ...reaching,
  ...lane,
};

/** What the plugin sets for itself. */
export const internalOptions = builtAs;

export type AcceptanceOptions = OptionsOf<typeof options & typeof internalOptions>;
