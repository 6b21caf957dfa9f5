import { baseUpdateSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { lane } from '../../images/options.ts';

export const verb = defineVerb({
  name: 'base-update',
  title: "Resolves the base's packages anew, writes its lock and prints what changed.",
  subject: 'base',
  options: { ...lane },
  environment: [],
  document: [baseUpdateSchema],
  target: { name: 'update' },
  run: async (_options, context) => (await import('./base-update.ts')).baseUpdate(context),
});
