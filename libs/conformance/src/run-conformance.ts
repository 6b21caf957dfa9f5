import { isPinlaneError, type Check, type Progress } from '@pinlane/contracts';
import { Unreadable } from './artifacts/index.ts';
import { messageText } from './report/message.ts';
import { until } from './until.ts';
import { NotJudged, Violation, type Rule } from './rules/rule.ts';
import { RULES } from './rules/index.ts';
import { createSession, VARIANTS, type Session } from './subject/session.ts';
import type { Subject } from './subject/subject.ts';

type Outcome = Pick<Check, 'outcome' | 'message'>;

/** How long all rules may take together, in ms. */
export const RULES_AT_MOST_MS = 900_000;

const skipped = (why: string): Outcome => ({ outcome: 'skipped', message: `not checked, because ${why}` });
const failed = (message: string): Outcome => ({ outcome: 'failed', message: messageText(message) });

/** Checks one rule; `over` ends it. */
const judge = async (rule: Rule, session: Session, before: ReadonlyMap<string, Outcome>, over: AbortSignal): Promise<Outcome> => {
  const missing = rule.needs?.find((name) => before.get(name)?.outcome !== 'passed');
  if (missing !== undefined) return skipped(`${missing} did not pass`);
  try {
    await until(over, () => rule.check(session));
    return { outcome: 'passed', message: '' };
  } catch (error) {
    if (over.aborted) throw error;
    if (error instanceof NotJudged) return { outcome: 'skipped', message: error.message };
    if (error instanceof Violation || error instanceof Unreadable || isPinlaneError(error)) return failed(error.message);
    // The suite stumbled over something that the processor did, such as breaking the connection.
    return failed(`the request came to nothing: ${(error as Error).message}`);
  }
};

/**
 * Checks a processor against every rule of its contract. A rule is skipped if one that it needs did not pass, so that the report names what
 * is wrong, and not what follows from it; and once the time that all rules have together is over.
 * @throws the signal's reason, as soon as it comes
 */
export const runConformance = async (
  subject: Subject,
  {
    rules = RULES,
    progress,
    signal,
    atMostMs = RULES_AT_MOST_MS,
  }: { readonly rules?: readonly Rule[]; readonly progress?: Progress; readonly signal?: AbortSignal | undefined; readonly atMostMs?: number } = {},
): Promise<readonly Check[]> => {
  const late = AbortSignal.timeout(atMostMs);
  const over = signal === undefined ? late : AbortSignal.any([signal, late]);
  const session = createSession(subject, over);
  const outcomes = new Map<string, Outcome>();
  const checks: Check[] = [];
  const time = `${Math.round(atMostMs / 1000)} s`;
  try {
    for (const name of VARIANTS) void session.variant(name);
    for (const rule of rules) {
      signal?.throwIfAborted();
      progress?.(`rule ${checks.length + 1} of ${rules.length}: ${rule.title}`);
      const startedAt = performance.now();
      const outcome = late.aborted
        ? skipped(`the rules had taken the ${time} that they have together`)
        : await judge(rule, session, outcomes, over).catch((error: unknown) => {
            if (signal?.aborted || !late.aborted) throw error;
            return failed(`it was not decided when the ${time} were over that all rules have together`);
          });
      outcomes.set(rule.name, outcome);
      checks.push({ rule: rule.name, title: rule.title, ...outcome, durationMs: Math.round(performance.now() - startedAt) });
    }
    return checks;
  } finally {
    await session.end();
  }
};
