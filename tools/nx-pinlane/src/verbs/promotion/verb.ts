import { promotionReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'promotion',
  title: 'Tells of every pin of this commit whether staging pinned and accepted it; any doubt stops the line.',
  subject: 'workspace',
  options,
  environment: ['PINLANE_LANE', 'PINLANE_BASE_IMAGE', 'PINLANE_INSECURE_REGISTRY'],
  document: [promotionReportSchema],
  target: { example: { lane: 'main' } },
  run: async (given, context) => (await import('./promotion.ts')).promotion(given, context),
});
