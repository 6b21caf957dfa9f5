import { secretsReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'secrets-sync',
  title: "Stores a processor's secrets with the hosting platform, from the environment.",
  subject: 'processor',
  options,
  environment: ['PINLANE_LANE', 'PINLANE_ADAPTER', 'PINLANE_MODAL_PYTHON'],
  document: [secretsReportSchema],
  target: { example: { lane: 'staging', check: true } },
  run: async (given, context) => (await import('./secrets-sync.ts')).secretsSync(given, context),
});
