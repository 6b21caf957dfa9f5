import { basePinSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { buildEnvironment } from '../../images/options.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'base-pin',
  title: 'Sees to it that a base is in its registry, and writes into base.yaml where, after verifying it.',
  subject: 'base',
  options,
  environment: buildEnvironment,
  document: [basePinSchema],
  target: { name: 'pin', example: { check: true } },
  run: async (given, context) => {
    const [{ markedPin }, { basePin }] = await Promise.all([import('../../workspace/unfinished-pins.ts'), import('./base-pin.ts')]);
    return markedPin(given, context, basePin);
  },
});
