import { rehearsalSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'rehearse',
  title: 'Runs the workflows of the lanes on this machine, in act, against a remote, a registry and a platform of its own.',
  subject: 'workspace',
  options,
  environment: ['PINLANE_REGISTRY', 'PINLANE_ENGINE', 'PINLANE_RUNTIME', 'PINLANE_INSECURE_REGISTRY', 'PINLANE_MODAL_REGISTRY_SECRET'],
  document: [rehearsalSchema],
  target: { example: { lane: 'staging' } },
  run: async (given, context) => (await import('./rehearse.ts')).rehearse(given, context),
});
