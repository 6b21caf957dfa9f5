import { driftReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'drift',
  title: 'Tells whether what runs of a processor is what is pinned: yes, no, or that it can not be told.',
  subject: 'processor',
  options,
  environment: deployEnvironment,
  document: [driftReportSchema],
  target: { dependsOn: ['modal-deploy'], example: { lane: 'staging' } },
  run: async (given, context) => (await import('./drift.ts')).drift(given, context),
});
