import { lanesReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'lanes',
  title: 'Shows which digest is pinned, accepted and deployed in which lane, since which commit, and what waits for main: by git and reports alone.',
  subject: 'workspace',
  options,
  environment: [],
  document: [lanesReportSchema],
  ownSummary: true,
  target: {},
  run: async (given, context) => (await import('./lanes.ts')).lanes(given, context),
});
