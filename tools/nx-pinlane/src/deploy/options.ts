import { HOSTING_NAMES, RUNTIME_NAMES } from '@pinlane/contracts';
import * as z from 'zod';
import type { VariableName } from '../command/environment.ts';
import { lane, reaching } from '../images/options.ts';

/** Which hosting platform. */
export const adapter = z
  .enum(HOSTING_NAMES)
  .optional()
  .describe(
    'Where images are deployed: local, which is this machine, or modal. PINLANE_ADAPTER where absent, else deploy.adapter of registry.yaml, else modal.',
  );

/** Options of every verb about one deployment. */
export const deploying = {
  adapter,
  platform: z.string().optional().describe("The platform to deploy; where absent what the adapter takes: linux/amd64 on modal, the machine's own on local."),
  runtime: z
    .enum(['auto', ...RUNTIME_NAMES])
    .optional()
    .describe('With the adapter local, what runs the image: bubblewrap, unshare, docker, or host, which isolates nothing. PINLANE_RUNTIME where absent.'),
  ...reaching,
  ...lane,
};

/** Options of a deployment that is proven. */
export const proving = {
  dryRun: z.boolean().optional().describe('Check everything and print the plan; change nothing.'),
  evidence: z
    .boolean()
    .optional()
    .describe('Ask for a passing acceptance report on the pinned image; every lane but local does. --no-evidence asks for none, in lane local alone.'),
  autoRollback: z.boolean().optional().describe('If the new image does not serve in time, deploy the one that ran before.'),
  servingTimeout: z
    .number()
    .min(1)
    .max(3600)
    .default(120)
    .describe('How long is waited until the new digest serves, in seconds: for cold starts, and for versions before it.'),
};

/** Options of a look at what runs. */
export const looking = {
  live: z.boolean().optional().describe('Also ask each app itself, at /healthz, for the digest that it serves. This wakes what is scaled to zero.'),
  deep: z
    .boolean()
    .optional()
    .describe('Also make the image of each pin anew on Modal and compare: a published name that was moved to another image can not deceive then.'),
  liveTimeout: z.number().min(1).max(600).default(60).describe('With --live, how long an app may take to answer, in seconds: it may have to start.'),
  ...deploying,
};

/** The variables that every such verb reads. */
export const deployEnvironment = [
  'PINLANE_LANE',
  'PINLANE_ADAPTER',
  'PINLANE_RUNTIME',
  'PINLANE_DEPLOYMENTS',
  'PINLANE_INSECURE_REGISTRY',
  'PINLANE_MODAL_PYTHON',
  'PINLANE_MODAL_REGISTRY_SECRET',
] as const satisfies readonly VariableName[];
