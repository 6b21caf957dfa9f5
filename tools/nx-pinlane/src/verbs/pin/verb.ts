import { pinReportSchema } from '@pinlane/contracts';
import { lazily } from '../../command/lazily.ts';
import { defineVerb } from '../../command/verb.ts';
import { buildEnvironment } from '../../images/options.ts';
import { internalOptions, options } from './options.ts';

const modules = lazily(() => Promise.all([import('../../workspace/unfinished-pins.ts'), import('./pin.ts')]));

export const verb = defineVerb({
  name: 'pin',
  title: "Writes the digests of a processor's image into its registry.yaml, after verifying the bytes.",
  subject: 'processor',
  options,
  internalOptions,
  environment: [...buildEnvironment, 'PINLANE_PART'],
  document: [pinReportSchema],
  target: { dependsOn: ['^buildx'], example: { check: true } },
  batch: true,
  run: async (given, context) => {
    const [{ markedPin }, { pin }] = await modules();
    return markedPin(given, context, pin);
  },
});
