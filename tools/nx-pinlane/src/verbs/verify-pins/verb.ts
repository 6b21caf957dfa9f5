import { pinAuditSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'verify-pins',
  title: 'Looks at every pin of the workspace: it is there whole, its bytes have the digest, and it is for the platform it is pinned for.',
  subject: 'workspace',
  options,
  environment: ['PINLANE_LANE', 'PINLANE_INSECURE_REGISTRY'],
  document: [pinAuditSchema],
  target: {},
  run: async (given, context) => (await import('./verify-pins.ts')).verifyPins(given, context),
});
