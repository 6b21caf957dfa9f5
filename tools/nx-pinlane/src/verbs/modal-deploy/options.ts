import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { deploying, proving } from '../../deploy/options.ts';

/** The options of `modal-deploy`. */
export const options = {
  ...proving,
  stop: z.boolean().optional().describe('End the app, and deploy nothing.'),
  ...deploying,
};

export type ModalDeployOptions = OptionsOf<typeof options>;
