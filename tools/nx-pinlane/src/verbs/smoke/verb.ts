import { smokeReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'smoke',
  title: 'Runs a deployed processor in mode mock through its address, and checks what can be seen from there.',
  subject: 'processor',
  options,
  environment: deployEnvironment,
  document: [smokeReportSchema],
  target: { dependsOn: ['modal-deploy'] },
  run: async (given, context) => (await import('./smoke.ts')).smoke(given, context),
});
