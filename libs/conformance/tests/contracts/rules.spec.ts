import { describe, expect, it, jest } from '@jest/globals';
import type { Check } from '@pinlane/contracts';
import { RULES, runConformance } from '../../src/index.ts';
import { referenceSubject } from '../support/subject.ts';

// Real processes and servers take many times as long on a busy machine.
jest.setTimeout(60_000);

const checksOf = async (breaks: string | null): Promise<readonly Check[]> => {
  const { subject, end } = await referenceSubject(breaks);
  try {
    return await runConformance(subject);
  } finally {
    await end();
  }
};

const namesOf = (checks: readonly Check[], outcome: Check['outcome']): string[] => checks.filter((check) => check.outcome === outcome).map(({ rule }) => rule);

describe('the conformance suite', () => {
  it('passes a processor that obeys the contract, by every rule', async () => {
    const checks = await checksOf(null);
    expect(checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(checks.map(({ rule }) => rule)).toEqual(RULES.map(({ name }) => name));
  });

  // The cases are the rules themselves, so a rule that no broken processor fails is found here.
  it.each(RULES.map(({ name }) => name))('fails a processor that breaks %s by that rule and by no other', async (rule) => {
    const checks = await checksOf(rule);
    expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([expect.objectContaining({ rule, message: expect.stringMatching(/\S/) })]);
    // A rule is skipped only if it follows from the one that is broken.
    const broken = new Set([rule, ...namesOf(checks, 'skipped')]);
    const skipped = RULES.filter(({ name }) => name !== rule && broken.has(name));
    const follows = ['guard.nothing-ran', 'timeout.nothing-left'];
    for (const { name, needs = [] } of skipped) expect(follows.includes(name) || needs.some((need) => broken.has(need))).toBe(true);
  });

  it('names every rule once, and gives each a sentence', () => {
    const names = RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, title } of RULES) {
      expect(name).toMatch(/^[a-z]+(?:\.[a-z]+(?:-[a-z]+)*)$/);
      expect(title).toMatch(/^[A-Za-z].* .*[^.]$/);
    }
  });

  it('lets a rule need only rules that come before it', () => {
    const names = RULES.map(({ name }) => name);
    for (const { name, needs = [] } of RULES) for (const need of needs) expect(names.slice(0, names.indexOf(name))).toContain(need);
  });
});
