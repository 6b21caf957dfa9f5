import { storeServerSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'store-serve',
  alias: 'serve',
  title: 'Serves the local store as a registry, for Docker and any other client, until it is stopped.',
  subject: 'workspace',
  options,
  environment: ['PINLANE_INSECURE_REGISTRY'],
  document: [storeServerSchema],
  target: { continuous: true, example: { port: 5055 } },
  run: async (given, context) => (await import('./store-serve.ts')).storeServe(given, context),
});
