import { releaseSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'release-pr',
  title: 'Opens the pull request that promotes staging to main, or brings it up to date, if staging is green, in sync and accepted.',
  subject: 'workspace',
  options,
  environment: ['PINLANE_BASE_IMAGE', 'PINLANE_INSECURE_REGISTRY', 'PINLANE_GIT_TOKEN'],
  document: [releaseSchema],
  target: { example: { dryRun: true } },
  run: async (given, context) => (await import('./release-pr.ts')).releasePr(given, context),
});
