import { isPinlaneError, type Check, type Progress } from '@pinlane/contracts';
import { NotJudged, Violation, type Rule } from './rules/rule.ts';
import { RULES } from './rules/index.ts';
import { createSession, VARIANTS, type Session } from './subject/session.ts';
import type { Subject } from './subject/subject.ts';

type Outcome = Pick<Check, 'outcome' | 'message'>;

const judge = async (rule: Rule, session: Session, before: ReadonlyMap<string, Outcome>): Promise<Outcome> => {
  const missing = rule.needs?.find((name) => before.get(name)?.outcome !== 'passed');
  if (missing !== undefined) return { outcome: 'skipped', message: `not checked, because ${missing} did not pass` };
  try {
    await rule.check(session);
    return { outcome: 'passed', message: '' };
  } catch (error) {
    if (error instanceof NotJudged) return { outcome: 'skipped', message: error.message };
    if (error instanceof Violation || isPinlaneError(error)) return { outcome: 'failed', message: error.message };
    // The suite stumbled over something that the processor did, such as breaking the connection.
    return { outcome: 'failed', message: `the request came to nothing: ${(error as Error).message}` };
  }
};

/**
 * Checks a processor against every rule of its contract. A rule is skipped if one that it needs did not pass, so that the report names what
 * is wrong, and not what follows from it.
 */
export const runConformance = async (
  subject: Subject,
  { rules = RULES, progress, signal }: { readonly rules?: readonly Rule[]; readonly progress?: Progress; readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Check[]> => {
  const session = createSession(subject);
  const outcomes = new Map<string, Outcome>();
  const checks: Check[] = [];
  try {
    for (const name of VARIANTS) void session.variant(name);
    for (const rule of rules) {
      signal?.throwIfAborted();
      progress?.(`rule ${checks.length + 1} of ${rules.length}: ${rule.title}`);
      const startedAt = performance.now();
      const outcome = await judge(rule, session, outcomes);
      outcomes.set(rule.name, outcome);
      checks.push({ rule: rule.name, title: rule.title, ...outcome, durationMs: Math.round(performance.now() - startedAt) });
    }
    return checks;
  } finally {
    await session.end();
  }
};
