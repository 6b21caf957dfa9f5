import { driftReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'drift-report',
  title: 'Tells of all processors at once whether what runs is what is pinned, and what else runs there that no registry.yaml claims.',
  subject: 'workspace',
  options,
  environment: deployEnvironment,
  document: [driftReportSchema],
  ownSummary: true,
  target: { example: { lane: 'staging' } },
  run: async (given, context) => (await import('./drift-report.ts')).driftReport(given, context),
});
