import { defineVerb } from '../../command/verb.ts';
import { options, pinMergeSchema } from './options.ts';

export const verb = defineVerb({
  name: 'merge-pins',
  title: 'Makes git merge pins by the newer pin commit: registers the merge driver in this clone, and is that driver.',
  subject: 'workspace',
  options,
  environment: [],
  document: [pinMergeSchema],
  target: {},
  run: async (given, context) => (await import('./merge-pins.ts')).mergePins(given, context),
});
