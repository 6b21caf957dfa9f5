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

  it('fails the rule that is not decided when the time of all rules is over, and skips the others', async () => {
    const { subject, end } = await referenceSubject(null);
    const running = { ...subject.running, request: () => new Promise<never>(() => {}) };
    try {
      const checks = await runConformance({ ...subject, running }, { atMostMs: 1000 });
      const [first, ...others] = checks;
      expect(first).toMatchObject({ outcome: 'failed', message: 'it was not decided when the 1 s were over that all rules have together' });
      expect(others.map(({ outcome }) => outcome)).toEqual(others.map(() => 'skipped'));
      expect(others).toHaveLength(RULES.length - 1);
      expect(others[0]?.message).toMatch(/^not checked, because (?:the rules had taken the 1 s that they have together|healthz\.ok did not pass)$/);
    } finally {
      await end();
    }
  });

  it('ends at once when the signal comes, whatever a rule waits for', async () => {
    const { subject, end } = await referenceSubject(null);
    const stop = new AbortController();
    const running = { ...subject.running, request: () => (stop.abort(new Error('stopped')), new Promise<never>(() => {})) };
    await expect(runConformance({ ...subject, running }, { signal: stop.signal })).rejects.toThrow('stopped');
    await end();
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
