import { sinceSchema } from '@pinlane/contracts';
import { lane } from '../../images/options.ts';
import { defineVerb } from '../../command/verb.ts';

export const verb = defineVerb({
  name: 'since',
  title: 'Tells since which commit a lane looks for what has changed, for `nx affected --base`.',
  subject: 'workspace',
  options: { ...lane },
  environment: ['PINLANE_LANE'],
  document: [sinceSchema],
  target: { example: { lane: 'staging' } },
  run: async (given, context) => (await import('./since.ts')).since(given, context),
});
