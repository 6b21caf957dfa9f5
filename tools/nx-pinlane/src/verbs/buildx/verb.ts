import { builtImageSchema, skippedSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { buildEnvironment } from '../../images/options.ts';
import { internalOptions, options } from './options.ts';

export const verb = defineVerb({
  name: 'buildx',
  title: "Builds a processor's image for every platform and keeps it in the local store, or pushes it.",
  subject: 'processor',
  options,
  internalOptions,
  environment: buildEnvironment,
  document: [builtImageSchema, skippedSchema],
  target: {
    dependsOn: ['^buildx'],
    // `-c pinned` reaches it through `acceptance`, which then needs no build.
    configurations: { pinned: { skip: true } },
    example: { platforms: 'linux/arm64' },
  },
  batch: true,
  run: async (given, context) => (await import('./buildx.ts')).buildx(given, context),
});
