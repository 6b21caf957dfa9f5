import { storeCollectionSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'store-gc',
  alias: 'gc',
  title: 'Frees disk space: removes from the local store what no registry.yaml pins, no build record names and no name in the store reaches.',
  subject: 'workspace',
  options,
  environment: [],
  document: [storeCollectionSchema],
  target: { example: { dryRun: true } },
  run: async (given, context) => (await import('./store-gc.ts')).storeGc(given, context),
});
