import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { deploying } from '../../deploy/options.ts';

/** The options of `probe`. */
export const options = {
  timeout: z.number().min(5).max(3600).default(180).describe('How long what is started beside the deployment may exist, in seconds; then it ends by itself.'),
  ...deploying,
};

export type ProbeOptions = OptionsOf<typeof options>;
