import { DEPLOY_ENVIRONMENTS, RUNTIME_NAMES } from '@pinlane/contracts';
import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';
import { adapter } from '../../deploy/options.ts';
import { building, lane, reaching } from '../../images/options.ts';

/** The options of `doctor`. */
export const options = {
  modal: z
    .boolean()
    .optional()
    .describe('Prove on your own account of Modal what can only be assumed without one. It makes things called pinlane-doctor-… there, and removes them.'),
  environment: z.enum(DEPLOY_ENVIRONMENTS).default('dev').describe('The environment of Modal in which --modal proves.'),
  project: z
    .string()
    .optional()
    .describe(
      'The processor whose pinned image --modal proves with, by its slug; the first that is pinned in a registry where absent. Nx has an option of this name: say --processor there.',
    ),
  processor: z.string().optional().describe('The same as project, under a name that Nx leaves alone.'),
  engine: building.engine,
  registry: building.registry,
  runtime: z
    .enum(['auto', ...RUNTIME_NAMES])
    .optional()
    .describe('What images are run in: as for acceptance. PINLANE_RUNTIME where absent, else auto.'),
  adapter,
  ...reaching,
  ...lane,
};

export type DoctorOptions = OptionsOf<typeof options>;
