import { doctorReportSchema } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { options } from './options.ts';

export const verb = defineVerb({
  name: 'doctor',
  title: 'Tells what of this machine and account Pinlane can use, and what to do about the rest.',
  subject: 'workspace',
  looksOnly: true,
  options,
  environment: [
    'PINLANE_LANE',
    'PINLANE_ENGINE',
    'PINLANE_REGISTRY',
    'PINLANE_BASE_IMAGE',
    'PINLANE_RUNTIME',
    'PINLANE_ADAPTER',
    'PINLANE_INSECURE_REGISTRY',
    'PINLANE_MODAL_PYTHON',
    'PINLANE_MODAL_REGISTRY_SECRET',
  ],
  document: [doctorReportSchema],
  target: { example: { lane: 'staging' } },
  run: async (given, context) => (await import('./doctor.ts')).doctor(given, context),
});
