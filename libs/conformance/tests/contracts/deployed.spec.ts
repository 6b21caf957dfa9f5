import { describe, expect, it } from '@jest/globals';
import type { Check, ProcessorRequest } from '@pinlane/contracts';
import { smokeTest } from '../../src/index.ts';
import { DIGEST, referenceSubject, SPEC } from '../support/subject.ts';

// A mock run of the reference needs a text.
const spec = { ...SPEC, inputs: { ...SPEC.inputs, examples: [{ text: 'hello' }] } };

describe('a deployed processor that two pipelines test at once', () => {
  it('is asked by each for executions of its own', async () => {
    const { subject, end } = await referenceSubject(null);
    const smoke = async (): Promise<{ checks: readonly Check[]; executions: readonly string[] }> => {
      const executions: string[] = [];
      const request = (asked: ProcessorRequest) => {
        if (typeof asked.body === 'string') executions.push((JSON.parse(asked.body) as { execution_id: string }).execution_id);
        return subject.running.request(asked);
      };
      const checks = await smokeTest({ spec, digest: DIGEST, request, cases: [] }, new AbortController().signal);
      return { checks, executions };
    };
    const both = await Promise.all([smoke(), smoke()]);
    await end();
    expect(both.flatMap(({ checks }) => checks.filter(({ outcome }) => outcome === 'failed'))).toEqual([]);
    const [one, two] = both.map(({ executions }) => executions);
    expect(one!.length).toBeGreaterThan(1);
    expect(one!.filter((execution) => two!.includes(execution))).toEqual([]);
  });
});
