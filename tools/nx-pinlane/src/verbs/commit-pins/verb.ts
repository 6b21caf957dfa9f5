import { pinCommitSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'commit-pins',
  title: "Commits the pins that were written to the lane's branch: one commit on the tip of the remote, of pins and nothing else.",
  subject: 'workspace',
  options,
  environment: ['PINLANE_LANE', 'PINLANE_INSECURE_REGISTRY', 'PINLANE_GIT_TOKEN', 'PINLANE_PART'],
  document: [pinCommitSchema],
  target: { example: { dryRun: true } },
  run: async (given, context) => (await import('./commit-pins.ts')).commitPins(given, context),
});
