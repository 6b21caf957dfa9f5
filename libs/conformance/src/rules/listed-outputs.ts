import type { RunOutput } from '@pinlane/contracts';
import { at, must, show } from './rule.ts';

/** How many outputs one run may have; what comes of more is looked at no further. */
export const OUTPUTS_AT_MOST = 10_000;

/** The outputs that an envelope lists. The rule run.envelope looks at all else of their shape. @throws Violation if they are no list of paths, or too many */
export const listedOutputs = (envelope: unknown): readonly RunOutput[] => {
  const outputs = at(envelope, 'outputs');
  must(Array.isArray(outputs), `expected outputs to be a list, got ${show(outputs)}`);
  must(outputs.length <= OUTPUTS_AT_MOST, `the envelope lists ${outputs.length} outputs; ${OUTPUTS_AT_MOST} at most are looked at`);
  const strange = outputs.find((output) => typeof at(output, 'path') !== 'string') as unknown;
  must(strange === undefined, `expected an output to have a path, got ${show(strange)}`);
  return outputs as RunOutput[];
};
