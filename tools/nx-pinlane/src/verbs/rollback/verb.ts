import { deploymentSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'rollback',
  title: 'Deploys the image of an earlier pin by its digest, after the checks of every deployment.',
  subject: 'processor',
  options,
  environment: deployEnvironment,
  document: [deploymentSchema],
  target: { example: { lane: 'staging', to: 'HEAD~3' } },
  run: async (given, context) => (await import('./rollback.ts')).rollback(given, context),
});
