import { describe, expect, it } from '@jest/globals';
import { PinlaneError, processorSpecSchema, type ErrorCode } from '@pinlane/contracts';
import fc from 'fast-check';
import { planProcessor, type ProcessorGeneratorOptions, type ProcessorPlan } from '../../../src/generators/processor/options.ts';

const odd = fc.oneof(fc.constantFrom('-', '..', '/', '@', '1', '\n', '${{', 'a', 'acme/echo@1', 'A_KEY', 'processors/x', 'store.localhost/x'), fc.string());
const words = fc.array(odd, { maxLength: 5 }).map((parts) => parts.join(''));
const options = fc.record(
  {
    ref: fc.oneof(fc.constant('acme/echo@1'), words),
    secret: fc.array(fc.oneof(fc.constant('A_KEY'), words), { maxLength: 3 }),
    port: fc.oneof(fc.constant(8000), fc.integer(), fc.double()),
    directory: words,
    base: words,
  },
  { requiredKeys: ['ref'] },
);

const planOrCode = (given: ProcessorGeneratorOptions): ProcessorPlan | ErrorCode => {
  try {
    return planProcessor(given);
  } catch (error) {
    if (error instanceof PinlaneError) return error.code;
    throw error;
  }
};

describe('the options of nx g processor', () => {
  it('make a plan that is safe to write, or an error of the catalogue', () => {
    fc.assert(
      fc.property(options, (given) => {
        const plan = planOrCode(given);
        if (typeof plan === 'string') {
          expect(['ERR_REF_INVALID', 'ERR_OPTION_INVALID']).toContain(plan);
          return;
        }
        expect(plan.directory).toMatch(/^[^-/\n\\][^\n\\]*$/);
        expect(plan.directory.split('/')).not.toContain('..');
        expect(`${plan.directory}${plan.baseImage}`).not.toMatch(/[\n]|\$\{/);
        expect(processorSpecSchema.safeParse({ ref: plan.ref, build: { port: plan.port }, secrets: { required: plan.secrets } }).success).toBe(true);
      }),
    );
  });
});
