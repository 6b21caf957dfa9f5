import { acceptanceAwaitedSchema, acceptanceReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { buildEnvironment } from '../../images/options.ts';
import { internalOptions, options } from './options.ts';

export const verb = defineVerb({
  name: 'acceptance',
  title: "Runs a processor's image in isolation and holds it to the processor contract and to its own cases.",
  subject: 'processor',
  options,
  internalOptions,
  environment: [...buildEnvironment, 'PINLANE_RUNTIME'],
  document: [acceptanceReportSchema, acceptanceAwaitedSchema],
  target: { dependsOn: ['buildx'], configurations: { pinned: { pinned: true } } },
  run: async (given, context) => (await import('./acceptance.ts')).acceptance(given, context),
});
