import { HOSTING_NAMES } from '@pinlane/contracts';
import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { STAGES } from './stages.ts';

/** The options of `rehearse`. */
export const options = {
  lane: z.enum(STAGES).optional().describe('The lane whose workflow is run; where absent the whole way: pull request, dev, staging, release, main.'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('A folder that keeps remote, registry and deployments for the next rehearsal, which goes on from there; a new one that is removed where absent.'),
  registry: z
    .string()
    .optional()
    .describe(
      'A registry and path prefix that images are pushed to. PINLANE_REGISTRY where absent, else one that is served for as long as the rehearsal takes.',
    ),
  adapter: z.enum(HOSTING_NAMES).default('local').describe('Where images are deployed: local, which is this machine, or modal.'),
  twice: z.boolean().optional().describe('Start each workflow two times at once, as if nothing kept the runs of a branch apart.'),
  fail: z
    .string()
    .regex(/^[\w-]+:[\w-]+(?::after)?$/, 'it takes <job>:<word>, and :after')
    .optional()
    .describe(
      'Make a command of Nx fail instead of running, as in deploy:smoke: the first one of that job with that word; with :after when it has done its work.',
    ),
};

export type RehearseOptions = OptionsOf<typeof options>;
