import { pinEditsSchema } from '@pinlane/contracts';
import * as z from 'zod';
import { defineVerb } from '../../command/verb.ts';
import { lane } from '../../images/options.ts';

export const verb = defineVerb({
  name: 'pin-edits',
  title: 'Tells whether a pull request changes pins in another way than by bringing those that staging committed.',
  subject: 'workspace',
  options: {
    branch: z.string().default('staging').describe('The branch whose pin commits are the source of pins, as origin has it.'),
    ...lane,
  },
  environment: ['PINLANE_LANE'],
  document: [pinEditsSchema],
  target: {},
  run: async (given, context) => (await import('./pin-edits.ts')).pinEdits(given, context),
});
