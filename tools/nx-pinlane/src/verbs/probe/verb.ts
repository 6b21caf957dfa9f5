import { probeReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'probe',
  title: 'Proves that a deployed processor refuses what it must refuse: no secrets, a wrong digest, no credentials.',
  subject: 'processor',
  options,
  environment: deployEnvironment,
  document: [probeReportSchema],
  target: { dependsOn: ['modal-deploy'] },
  run: async (given, context) => (await import('./probe.ts')).probe(given, context),
});
