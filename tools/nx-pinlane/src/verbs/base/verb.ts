import { builtImageSchema, skippedSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { internalOptions, options } from './options.ts';

export const verb = defineVerb({
  name: 'base',
  title: 'Assembles the base image from its lock, for every platform.',
  subject: 'base',
  options,
  internalOptions,
  environment: ['PINLANE_LANE', 'PINLANE_BASE_IMAGE', 'PINLANE_INSECURE_REGISTRY'],
  document: [builtImageSchema, skippedSchema],
  target: { name: 'buildx', configurations: { pinned: { skip: true } } },
  run: async (given, context) => (await import('./base.ts')).base(given, context),
});
