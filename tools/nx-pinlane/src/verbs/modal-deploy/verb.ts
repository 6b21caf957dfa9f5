import { deploymentSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { deployEnvironment } from '../../deploy/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'modal-deploy',
  alias: 'deploy',
  title: "Deploys a processor's pinned image by its digest, and proves that it is configured and serves.",
  subject: 'processor',
  options,
  environment: deployEnvironment,
  document: [deploymentSchema],
  target: { dependsOn: ['pin', 'acceptance'], example: { adapter: 'local' } },
  run: async (given, context) => (await import('./modal-deploy.ts')).modalDeploy(given, context),
});
